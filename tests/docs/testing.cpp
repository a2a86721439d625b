// SPDX-License-Identifier: Apache-2.0
// The snippets of docs/testing.md that are in no example, and those of docs/executor-and-tasks.md.

#include <troupe/testing.hpp>
#include <troupe/troupe.hpp>

#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "../../examples/support.hpp"

using namespace std::chrono_literals;

struct tally {
  int count = 0;
  int add(int by) { return count += by; }
  using actor = troupe::actor<tally, &tally::add>;
};

// [model]
struct tally_model {
  struct operation {
    int by = 0;
  };
  int count = 0;

  int apply(const operation& o) { return count += o.by; }
  bool operator==(const tally_model&) const = default;
};

using tally_history = troupe::testing::history<tally_model>;

troupe::task<> add(troupe::testing::simulation& sim, tally_history& history, int by) {
  const auto home = sim.client().get_or_create<tally>("home");
  const auto id = history.begin({by});
  const int count = co_await home.call<&tally::add>(by);
  history.end(id, count);  // if it throws, nobody knows whether it happened
}
// [/model]

void answers_are_in_some_order() {
  troupe::registry registry;
  registry.use<tally>("tally");

  // [linearizable]
  tally_history history;
  constexpr troupe::testing::faults faults{.crash_after_commit = {.probability = 0.1, .most = 5}};
  troupe::testing::simulation sim{registry, {.seed = 7, .faults = faults}};
  for (int i = 1; i <= 30; ++i) {
    for (int caller = 0; caller < 3; ++caller) sim.spawn(add(sim, history, i));  // at the same time
    sim.advance(1s);
  }
  const auto found = troupe::testing::check_linearizable(history);
  if (!found) fmt::print(stderr, "{}\n", found.explanation());
  // [/linearizable]
  check(static_cast<bool>(found));
  check(history.size() == 90);
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

// [blocking]
std::string read_file(const std::string& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

struct archive {
  std::string text;

  troupe::task<std::size_t> load(std::string path) {
    std::string read = co_await troupe::blocking(read_file, path);  // others are served meanwhile
    text = std::move(read);                                         // in a turn again
    co_return text.size();
  }
  using actor = troupe::actor<archive, &archive::load>;
};
// [/blocking]

// Another library, which calls back on a thread of its own.
class sensor {
 public:
  void read(std::function<void(double)> then) {
    thread_ = std::jthread{[then = std::move(then)] { then(21.5); }};
  }

 private:
  std::jthread thread_;
};

// [promise]
troupe::task<double> temperature(sensor& s) {
  const troupe::promise<double> measured;
  auto answer = measured.get_future();
  s.read([measured](double celsius) { measured.set_value(celsius); });
  co_return co_await std::move(answer);
}
// [/promise]

void other_threads() {
  const temporary_folder folder;
  std::ofstream{folder / "letter"} << "Dear sir";
  troupe::runtime runtime{troupe::registry{}.use<archive>("archive")};
  const auto home = runtime.client().get_or_create<archive>("home");
  check(home.call<&archive::load>(folder / "letter").get() == 8);
  sensor s;
  check(runtime.run(temperature(s)) == 21.5);
}

int main() {
  answers_are_in_some_order();
  a_note_survives_a_restart();
  tasks();
  other_threads();
  const temporary_folder folder;
  std::ofstream{folder / "note.json"} << troupe::describe<note>() << '\n';
  check(names_are_as_committed(folder / "note.json"));
  return 0;
}
