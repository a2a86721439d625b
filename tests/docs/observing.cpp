// SPDX-License-Identifier: Apache-2.0
// The snippets of docs/observing.md, each with a check.

#include <troupe/troupe.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "../../examples/support.hpp"

using namespace std::chrono_literals;

// [observer]
class metrics final : public troupe::observer {
 public:
  std::atomic<std::int64_t> awake{0};
  std::atomic<std::uint64_t> commits{0};
  std::atomic<std::uint64_t> refused{0};

  void actor_woke(const troupe::observed_actor&) override { ++awake; }
  void actor_slept(const troupe::observed_actor&, ending) override { --awake; }
  void commit_ended(const commit& c) override {
    if (c.outcome == commit::result::committed) ++commits;
  }
  void call_refused(const troupe::observed_actor&, std::string_view, const std::exception_ptr&) override { ++refused; }
};
// [/observer]

std::atomic<bool> looked{false};

struct printer {
  int pages = 0;

  int print() { return ++pages; }
  troupe::task<> warm_up() {
    while (!looked) {
      co_await troupe::delay(1ms);
    }
  }
  void jam() { throw troupe::user_error{"jammed", "Paper is stuck in the tray"}; }

  using actor = troupe::actor<printer, &printer::print, troupe::exclusive<&printer::warm_up>, &printer::jam>;
};

// Asks until the printer waits, and then looks.
troupe::task<> look(troupe::client client) {
  for (bool waits = false; !waits;) {
    const auto seen = co_await client.status("printer", "office");
    waits = !seen.waits.empty();
    co_await troupe::delay(0ns);
  }
  // [status]
  const troupe::actor_status s = co_await client.status("printer", "office");  // no C++ type is needed
  const bool holds = s.exclusive == "warm_up";                                  // the action that keeps others out
  const std::string& waits = s.waits.front();                                   // "a delay"
  // [/status]
  looked = true;
  check(holds && waits == "a delay");
}

troupe::task<> use(troupe::client client) {
  auto office = client.get_or_create<printer>("office");
  co_await troupe::when_all(office.call<&printer::warm_up>(), look(client));
  std::string code;
  try {
    co_await office.call<&printer::jam>();
  } catch (const troupe::user_error& e) {
    code = e.code();
  }
  check(code == "jammed");
  const auto s = co_await office.status();
  check(s.last_error.find("Paper is stuck") != std::string::npos);
}

int main() {
  troupe::registry registry;
  registry.use<printer>("printer");
  // [option]
  const auto told = std::make_shared<metrics>();
  troupe::runtime_options options;
  options.observer = told;
  troupe::runtime runtime{registry, options};
  // [/option]
  runtime.run(runtime.client().get_or_create<printer>("office").call<&printer::print>());
  check(told->awake == 1);
  runtime.run(use(runtime.client()));
  runtime.shutdown();
  check(told->awake == 0 && told->commits > 0 && told->refused == 0);
  return 0;
}
