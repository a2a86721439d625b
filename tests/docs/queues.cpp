// SPDX-License-Identifier: Apache-2.0
// The snippets of docs/queues.md, each with a check.

#include <troupe/json.hpp>
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

struct letter {
  std::string to;
  std::string text;
};

struct mailbox {
  int letters = 0;
  void put(std::string text) { letters += text.empty() ? 0 : 1; }
  using actor = troupe::actor<mailbox, &mailbox::put>;
};

// [handlers]
struct post_office {
  static constexpr troupe::queue<"letters", letter> letters{{.concurrency = 4}};
  static constexpr troupe::queue<"scans", std::string, int> scans{{.attempts_max = 3, .attempt_first = true}};

  int delivered = 0;
  std::vector<std::string> read;

  // A coroutine takes its message by value. Up to four letters are on their way at a time.
  troupe::task<> on_letter(troupe::context<post_office>& c, letter l) {
    auto to = c.client().get_or_create<mailbox>(l.to);
    co_await to.call<&mailbox::put>(l.text);
    ++delivered;
  }

  // message_of has what else is known of the message, and can complete it or give it back.
  void on_scan(troupe::message_of<scans>& m) {
    if (m->empty() && m.attempts() == 1) return m.retry(1s);
    read.push_back(*m);
    m.complete(read.size());
  }

  int count() const { return delivered; }
  using actor = troupe::actor<post_office, troupe::consumes<letters, &post_office::on_letter>,
                              troupe::consumes<scans, &post_office::on_scan>, &post_office::count>;
};
// [/handlers]

// [version]
struct invoice {
  static constexpr int version = 2;
  std::string customer;  // "name" in version 1
  int cents = 0;

  static void migrate(troupe::json& value, int from) {
    if (from < 2) value["customer"] = value.at("name");
  }
};
// [/version]

struct billing {
  static constexpr troupe::queue<"invoices", invoice> invoices{};
  int sum = 0;
  void on_invoice(const invoice& i) { sum += i.cents; }
  int total() const { return sum; }
  using actor = troupe::actor<billing, troupe::consumes<invoices, &billing::on_invoice>, &billing::total>;
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

  // [letters]
  // For people, as actions: dead letters as JSON text, whether or not they can still be decoded.
  std::vector<troupe::dead_letter> failed(troupe::context<errand>& c) { return c.queue().dead_letters(work); }
  bool forget(troupe::context<errand>& c, std::uint64_t id) { return c.queue().remove(work.dead_letters(), id); }
  bool try_again(troupe::context<errand>& c, std::uint64_t id) { return c.queue().requeue(work.dead_letters(), id); }
  // [/letters]

  using actor =
      troupe::actor<errand, &errand::sweep, &errand::failed, &errand::forget, &errand::try_again, work>;
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
  const auto failed = co_await e.call<&errand::failed>();
  check(failed.empty());
  constexpr std::uint64_t unknown = 1;
  const bool known = co_await e.call<&errand::forget>(unknown);
  check(!known);
  const bool again = co_await e.call<&errand::try_again>(unknown);
  check(!again);

  auto main = client.get_or_create<post_office>("main");
  const letter hello{"ann", "Hello"};
  for (int i = 0; i < 9; ++i) {
    co_await main.send_and_wait(post_office::letters, hello);
  }
  const int delivered = co_await main.call<&post_office::count>();
  check(delivered == 9);
  const std::string scan = "a scan";
  auto scanned = co_await main.send_and_wait(post_office::scans, scan);
  check(scanned == 1);

  auto bills = client.get_or_create<billing>("bills");
  const invoice bill{"ann", 100};
  co_await bills.send_and_wait(billing::invoices, bill);
  const int total = co_await bills.call<&billing::total>();
  check(total == 100);

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
  registry.use<mailbox>("mailbox");
  registry.use<post_office>("postOffice");
  registry.use<billing>("billing");
  troupe::runtime runtime{registry};
  runtime.run(use(runtime.client()));
  return 0;
}
