// SPDX-License-Identifier: Apache-2.0
// The snippets of docs/calls.md, docs/handles-and-keys.md and docs/actors-and-actions.md, each with a check.

#include <troupe/troupe.hpp>

#include <algorithm>
#include <variant>
#include <vector>

#include "../../examples/support.hpp"

using namespace std::chrono_literals;

// [transfer]
struct wallet {
  std::int64_t cents = 0;

  void put(std::int64_t amount) { cents += amount; }
  std::int64_t content() const { return cents; }

  // Taken before it is given: a change after the await would be another turn, and a crash could fall between.
  troupe::task<> pay(troupe::context<wallet>& c, std::string to, std::int64_t amount) {
    if (amount > cents) throw troupe::user_error{"too_little", "There is not enough in the wallet"};
    cents -= amount;
    auto other = c.client().get_or_create<wallet>(to);
    co_await other.call<&wallet::put>(amount);
  }

  using actor = troupe::actor<wallet, &wallet::put, &wallet::content, &wallet::pay>;
};
// [/transfer]

struct feed {
  std::vector<std::string> lines;

  void add(std::string line) { lines.push_back(std::move(line)); }
  std::vector<std::string> after(std::size_t position) const {
    return {lines.begin() + static_cast<std::ptrdiff_t>(std::min(position, lines.size())), lines.end()};
  }

  using actor = troupe::actor<feed, &feed::add, &feed::after>;
};

// [exclusive]
struct feed_reader {
  std::size_t position = 0;

  // Between reading `position` and moving it lies an await: a second one at the same time would read the same lines.
  troupe::task<std::size_t> read_on(troupe::context<feed_reader>& c) {
    auto source = c.client().get_or_create<feed>(c.key());
    const auto lines = co_await source.call<&feed::after>(position);
    position += lines.size();
    co_return lines.size();
  }

  using actor = troupe::actor<feed_reader, troupe::exclusive<&feed_reader::read_on>>;
};
// [/exclusive]

// [named]
struct greeter {
  std::string say_hello(std::string_view to) const { return "Hello " + std::string{to}; }
  std::string say_goodbye(std::string_view to) const { return "Goodbye " + std::string{to}; }

  using actor = troupe::actor<greeter, &greeter::say_hello, troupe::named<&greeter::say_goodbye, "bye">>;
};
// [/named]

void keys() {
  // [keys]
  troupe::key one = "home";
  troupe::key compound{"org-7", "alice"};
  troupe::key from_parts{std::vector<std::string>{"org-7", "alice"}};
  check(compound == from_parts);
  check(compound != troupe::key{"org-7/alice"});  // a list of two is no list of one
  // [/keys]
  check(compound.segments().size() == 2 && one.segments().size() == 1);
}

troupe::task<> joins(troupe::client client) {
  auto alice = client.get_or_create<wallet>("alice");
  auto bob = client.get_or_create<wallet>("bob");
  co_await alice.call<&wallet::put>(100);

  // [when_all]
  auto both = co_await troupe::when_all(alice.call<&wallet::content>(), bob.call<&wallet::content>());
  const std::int64_t sum = std::get<0>(both) + std::get<1>(both);
  // [/when_all]
  check(sum == 100);

  std::string refused;
  try {
    co_await troupe::when_all(alice.call<&wallet::pay>("bob", 70), alice.call<&wallet::pay>("bob", 70));
  } catch (const troupe::user_error& e) {
    refused = e.code();
  }
  check(refused == "too_little");
  const auto left = co_await alice.call<&wallet::content>();
  check(left == 30);

  auto news = client.get_or_create<feed>("news");
  co_await news.call<&feed::add>("one");
  co_await news.call<&feed::add>("two");
  auto reader = client.get_or_create<feed_reader>("news");
  auto twice = co_await troupe::when_all(reader.call<&feed_reader::read_on>(), reader.call<&feed_reader::read_on>());
  check(std::get<0>(twice) + std::get<1>(twice) == 2);

  // [when_any]
  auto first = co_await troupe::when_any(alice.call<&wallet::content>(), troupe::delay(10s));
  const bool in_time = first.index() == 0;
  // [/when_any]
  check(in_time && std::get<0>(first) == 30);
}

void by_name(troupe::runtime& runtime) {
  // [by_name]
  auto door = runtime.client().get_or_create<greeter>("door");
  std::string json = door.call("say_hello", R"(["Alice"])").get();  // "\"Hello Alice\""
  // [/by_name]
  check(json == "\"Hello Alice\"");
  check(door.call("bye", R"(["Bob"])").get() == "\"Goodbye Bob\"");
  std::string why;
  try {
    static_cast<void>(door.call("say_hello", "[7]").get());
  } catch (const troupe::error& e) {
    why = e.code();
  }
  check(why == "invalid_request");
}

// [member]
struct member {
  std::string plan = "free";

  void on_create(troupe::context<member>& c) { show_plan(c); }
  void upgrade(troupe::context<member>& c) {
    plan = "pro";
    show_plan(c);
  }

  using actor = troupe::actor<member, &member::upgrade>;

 private:
  void show_plan(troupe::context<member>& c) {
    troupe::tags now = c.tags();
    now["plan"] = plan;
    c.set_tags(std::move(now));
  }
};
// [/member]

troupe::task<> members(troupe::client client) {
  // [retag]
  auto dora = client.get_or_create<member>("dora");
  co_await dora.call<&member::upgrade>();
  troupe::tags pro{{"plan", "pro"}};
  const auto paying = co_await client.find<member>(pro);  // dora, as soon as upgrade has returned
  // [/retag]
  check(paying.size() == 1 && paying.front().id == co_await dora.resolve());

  // [read]
  const auto found = co_await client.read(dora);  // an optional: nothing if there is no such actor
  const std::string plan = found ? found->plan : "none";
  // [/read]
  check(plan == "pro");

  // [destroy]
  co_await client.destroy(dora);  // on_destroy has run, the row is deleted, the key is free
  // [/destroy]
  const auto left = co_await client.read(dora);
  check(!left);
}

troupe::task<std::size_t> all_wallets(troupe::client client) {
  // [list]
  std::size_t count = 0;
  troupe::page next{2};  // two at a time
  for (;;) {
    const auto found = co_await client.list<wallet>(next);
    count += found.size();
    if (found.size() < next.limit) break;
    next.after = found.back().id;
  }
  // [/list]
  co_return count;
}

// [basket]
struct basket {
  std::string item;
  int count = 1;
};
struct greengrocer {
  int sold = 0;
  int take(basket b) { return sold += b.count; }
  using actor = troupe::actor<greengrocer, &greengrocer::take>;
};
// [/basket]

troupe::task<int> shop(troupe::client client) {
  // [members]
  auto stall = client.get_or_create<greengrocer>("corner");
  co_await stall.call<&greengrocer::take>("apples", 3);  // take(basket): a text and a number
  basket mixed{"pears", 2};
  co_await stall.call<&greengrocer::take>(mixed);  // a name: it is copied
  const int sold = co_await stall.call<&greengrocer::take>(troupe::moved(mixed));  // given away
  // [/members]
  co_return sold;
}

// [deadlock]
struct account {
  std::int64_t cents = 100;

  // Holds its own account, and waits for the other one. Two that pay each other would wait for ever.
  troupe::task<bool> pay(troupe::context<account>& c, std::string to, std::int64_t amount) {
    auto other = c.client().get_or_create<account>(to);
    try {
      co_await other.call<&account::receive>(amount);
    } catch (const troupe::error& e) {
      if (e.is(troupe::errc::deadlock)) co_return false;  // nothing was done: let the other one end, and try again
      throw;
    }
    cents -= amount;
    co_return true;
  }
  void receive(std::int64_t amount) { cents += amount; }

  using actor = troupe::actor<account, troupe::exclusive<&account::pay>, &account::receive>;
};
// [/deadlock]

int main() {
  keys();
  troupe::registry registry;
  registry.use<wallet>("wallet").use<greeter>("greeter").use<feed>("feed").use<feed_reader>("feedReader");
  registry.use<greengrocer>("greengrocer").use<account>("account").use<member>("member");
  troupe::runtime runtime{registry};
  runtime.run(joins(runtime.client()));
  check(runtime.run(shop(runtime.client())) == 7);
  check(runtime.client().get_or_create<account>("ann").call<&account::pay>("ben", 5).get());
  by_name(runtime);
  runtime.run(members(runtime.client()));
  runtime.run(runtime.client().create<wallet>("carol"));
  check(runtime.run(all_wallets(runtime.client())) == 3);
  return 0;
}
