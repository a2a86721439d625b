// The snippets of docs/queues.md, each with a check.

#include <troupe/troupe.hpp>

#include <algorithm>
#include <vector>

#include "../../examples/support.hpp"

using namespace std::chrono_literals;

struct job {
  std::string what;
};

// [options]
struct printer {
  static constexpr troupe::queue<"pages", job> pages{
      {.messages_max = 10'000, .attempts_max = 3, .retry_min = 1s, .retry_max = 1min, .visibility_timeout = 10min}};
  static constexpr troupe::queue<"urgent", job> urgent{};
  // [/options]

  std::vector<std::string> done;

  // [several]
  troupe::task<> run(troupe::context<printer>& c) {
    for (;;) {
      auto next = co_await c.queue().next(urgent, pages);  // std::variant<message<...>, message<...>>
      std::visit([&](auto& m) { done.push_back(m->what); }, next);
    }
  }
  // [/several]
  std::vector<std::string> printed() const { return done; }

  // [can_publish]
  bool can_publish(troupe::context<printer>&, std::string_view queue) { return queue != "urgent" || done.size() < 100; }
  // [/can_publish]

  using actor = troupe::actor<printer, &printer::printed, pages, urgent>;
};

struct errand {
  static constexpr troupe::queue<"work", job, int> work{};
  int handled = 0;
  int seen_again = 0;
  std::vector<std::string> log;

  // [await]
  // Awaits while it handles a message: a crash in between brings the message again, so it looks whether it has been
  // here before.
  troupe::task<> run(troupe::context<errand>& c) {
    auto jobs = c.queue().messages(work);
    while (true) {
      auto next = co_await jobs.next();
      if (!next) break;  // the actor shuts down
      if (next->attempts() > 1) ++seen_again;
      co_await c.delay(10ms);
      ++handled;
      next->complete(handled);
    }
  }
  // [/await]

  // [try]
  std::size_t sweep(troupe::context<errand>& c) {
    const auto left = c.queue().try_next_batch(work.dead_letters(), 100);  // acknowledged when the action returns
    for (const auto& m : left) log.push_back(m->what);
    return left.size();
  }
  // [/try]

  using actor = troupe::actor<errand, &errand::sweep, work>;
};

troupe::task<> use(const troupe::client& client) {
  auto office = client.get_or_create<printer>("office");
  const job page{"a page"};
  // [delayed]
  co_await office.send(printer::pages, page, troupe::delayed(5ms));
  co_await office.send("urgent", R"({"what": "an urgent page"})");  // by name, for tools: JSON
  // [/delayed]
  std::vector<std::string> printed;
  while (printed.size() < 2) {
    co_await troupe::delay(1ms);
    printed = co_await office.call<&printer::printed>();
  }
  std::ranges::sort(printed);  // on a busy machine the sends may lie further apart than the delay
  check(printed.front() == "a page" && printed.back() == "an urgent page");

  auto e = client.get_or_create<errand>("e");
  // [wait]
  auto patient = e.with(troupe::timeout{10s});
  auto number = co_await patient.send_and_wait(errand::work, page);  // std::optional<int>
  // [/wait]
  check(number == 1);
  check(co_await e.call<&errand::sweep>() == 0);
  bool refused = false;
  try {
    co_await office.send("nowhere", "{}");
  } catch (const troupe::error& why) {
    refused = why.is(troupe::errc::queue_not_declared);
  }
  check(refused);
}

int main() {
  troupe::registry registry;
  registry.use<printer>("printer");
  registry.use<errand>("errand");
  troupe::runtime runtime{registry};
  runtime.run(use(runtime.client()));
  return 0;
}
