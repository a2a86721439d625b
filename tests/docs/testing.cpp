// The snippets of docs/testing.md and docs/executor-and-tasks.md: time turned by hand, restarts in memory.

#include <troupe/testing/matches_file.hpp>
#include <troupe/troupe.hpp>

#include <fstream>
#include <memory>

#include "../../examples/support.hpp"

using namespace std::chrono_literals;

struct trial {
  bool expired = false;

  void begin(troupe::context<trial>& c) { c.keep_awake(count_down(c)); }
  bool is_over() const { return expired; }

  using actor = troupe::actor<trial, &trial::begin, &trial::is_over>;

 private:
  troupe::task<> count_down(troupe::context<trial>&) {
    co_await troupe::delay(30min);
    expired = true;
  }
};

void a_trial_ends_after_half_an_hour() {
  troupe::registry registry;
  registry.use<trial>("trial");

  // [virtual_time]
  auto clock = std::make_shared<troupe::manual_clock>();
  auto executor = std::make_shared<troupe::manual_executor>(clock, troupe::manual_executor::options{.io_thread = false});
  troupe::runtime runtime{registry, {.executor = executor}};  // one thread, and every run is the same

  auto alice = runtime.client().get_or_create<trial>("alice");
  runtime.run(alice.call<&trial::begin>());
  clock->advance(29min);
  runtime.poll();
  check(!runtime.run(alice.call<&trial::is_over>()));
  clock->advance(2min);  // no waiting
  runtime.poll();
  check(runtime.run(alice.call<&trial::is_over>()));
  // [/virtual_time]
}

struct note {
  std::string text;
  void write(std::string words) { text = std::move(words); }
  std::string read() const { return text; }
  using actor = troupe::actor<note, &note::write, &note::read>;
};

void a_note_survives_a_restart() {
  troupe::registry registry;
  registry.use<note>("note");

  // [restart]
  const troupe::memory store;  // copies share what is in it
  {
    troupe::runtime runtime{registry, {.store = store}};
    runtime.client().get_or_create<note>("n").call<&note::write>("hi").get();
  }
  troupe::runtime again{registry, {.store = store}};
  check(again.client().get<note>("n").call<&note::read>().get() == "hi");
  // [/restart]
}

bool names_are_as_committed(const std::string& file) {
  // [manifest]
  const auto match = troupe::testing::matches_file(troupe::describe<note>(), file);
  if (!match) fmt::print(stderr, "{}\n", match.explanation());
  return static_cast<bool>(match);
  // [/manifest]
}

// [tasks]
troupe::task<int> slowly_twice(int x) {
  co_await troupe::delay(1ms);
  co_return 2 * x;
}

troupe::task<int> both(int x, int y) {
  const auto results = co_await troupe::when_all(slowly_twice(x), slowly_twice(y));
  const auto& [a, b] = results;
  co_return a + b;
}
// [/tasks]

void tasks() {
  troupe::registry registry;
  registry.use<note>("note");
  // [run]
  troupe::runtime runtime{registry, {.threads = 2}};
  const int sum = runtime.run(both(1, 2));  // blocks this thread, which is none of the runtime's
  // [/run]
  check(sum == 6);
}

int main() {
  a_trial_ends_after_half_an_hour();
  a_note_survives_a_restart();
  tasks();
  const temporary_folder folder;
  std::ofstream{folder / "note.json"} << troupe::describe<note>() << '\n';
  check(names_are_as_committed(folder / "note.json"));
  return 0;
}
