// SPDX-License-Identifier: Apache-2.0
// What an actor sends to another leaves with its turn's other effects, and arrives once, whatever crashes.

#include <catch2/catch.hpp>

#include <troupe/codec/codec.hpp>

#include "queue/world.hpp"

using namespace behaviour;

namespace {

/// Money moves through queues.
struct account {
  static constexpr troupe::queue<"deposits", std::int64_t> deposits{};
  std::int64_t balance = 0;

  void open(std::int64_t amount) { balance = amount; }
  troupe::task<> pay(troupe::context<account>& c, std::string to, std::int64_t amount) {
    balance -= amount;
    co_await c.client().get_or_create<account>(to).send(deposits, amount);
  }
  void pay_now(troupe::context<account>& c, std::string to, std::int64_t amount) {
    balance -= amount;
    c.client().get_or_create<account>(to).send(deposits, amount).get();
  }
  troupe::task<> run(troupe::context<account>& c) {
    auto all = c.queue().messages(deposits);
    while (true) {
      auto deposit = co_await all.next();
      if (!deposit) break;
      balance += **deposit;
    }
  }
  std::int64_t has() const { return balance; }
  static constexpr troupe::options options{.sleep_after = 10s};
  using actor = troupe::actor<account, deposits, &account::open, &account::pay, &account::pay_now, &account::has>;
};

/// Takes notes, and does not read them by itself.
template <troupe::durability How>
struct inbox {
  static constexpr troupe::queue<"notes", std::string, std::string> notes{troupe::queue_options{.messages_max = 2}};
  int wakes = 0;

  void on_wake(troupe::context<inbox>&) {
    ++wakes;
    if (refuse) throw std::runtime_error("not now");
  }
  texts read(troupe::context<inbox>& c, int most) {
    texts all;
    for (auto& m : c.queue().try_next_batch(notes, most)) all.push_back(*m);
    return all;
  }
  std::size_t waiting(troupe::context<inbox>& c) { return c.queue().size(notes); }
  void rest(troupe::context<inbox>& c) { c.sleep(); }
  void end(troupe::context<inbox>& c) { c.destroy(); }

  static inline bool refuse = false;
  static constexpr troupe::options options{.sleep_after = troupe::never, .durability = How};
  using actor = troupe::actor<inbox, notes, &inbox::read, &inbox::waiting, &inbox::rest, &inbox::end>;
};
using durable_inbox = inbox<troupe::durability::committed>;
using relaxed_inbox = inbox<troupe::durability::relaxed>;
using passing_inbox = inbox<troupe::durability::ephemeral>;

struct nested {
  std::vector<nested> inner;
};

template <troupe::durability How>
struct writer {
  std::vector<std::string> written;
  std::string parting;
  nested deep;

  template <class Inbox>
  troupe::task<> write(troupe::context<writer>& c, std::string to, std::string text) {
    written.push_back(text);
    co_await c.client().template get_or_create<Inbox>(to).send(Inbox::notes, text);
  }
  troupe::task<> write_durable(troupe::context<writer>& c, std::string to, std::string text) {
    co_await write<durable_inbox>(c, std::move(to), std::move(text));
  }
  troupe::task<> write_relaxed(troupe::context<writer>& c, std::string to, std::string text) {
    co_await write<relaxed_inbox>(c, std::move(to), std::move(text));
  }
  troupe::task<> write_passing(troupe::context<writer>& c, std::string to, std::string text) {
    co_await write<passing_inbox>(c, std::move(to), std::move(text));
  }
  troupe::task<> write_to_existing(troupe::context<writer>& c, std::string to) {
    co_await c.client().template get<durable_inbox>(to).send(durable_inbox::notes, "are you there?");
  }
  troupe::task<> write_to_id(troupe::context<writer>& c, troupe::actor_id id) {
    co_await c.client().template get_for_id<durable_inbox>(id).send(durable_inbox::notes, "are you there?");
  }
  troupe::task<> write_many(troupe::context<writer>& c, std::string to, int count) {
    const auto h = c.client().template get_or_create<durable_inbox>(to);
    for (int i = 0; i < count; ++i) co_await h.send(durable_inbox::notes, std::to_string(i));
  }
  // Its state can no longer be stored.
  troupe::task<> write_unstorably(troupe::context<writer>& c, std::string to) {
    for (int i = 0; i < 200; ++i) {
      nested around;
      around.inner.push_back(std::move(deep));
      deep = std::move(around);
    }
    co_await c.client().template get_or_create<durable_inbox>(to).send(durable_inbox::notes, "never");
  }
  void leave(std::string to) { parting = std::move(to); }
  troupe::task<> on_sleep(troupe::context<writer>& c) {
    if (parting.empty()) co_return;
    const auto to = std::exchange(parting, {});
    co_await write_durable(c, to, "good night");
  }
  void rest(troupe::context<writer>& c) { c.sleep(); }
  texts log() const { return written; }

  static constexpr troupe::options options{.sleep_after = troupe::never, .durability = How};
  using actor = troupe::actor<writer, &writer::write_durable, &writer::write_relaxed, &writer::write_passing,
                              &writer::write_to_existing, &writer::write_to_id, &writer::write_many,
                              &writer::write_unstorably, &writer::leave, &writer::rest, &writer::log>;
};
using durable_writer = writer<troupe::durability::committed>;
using relaxed_writer = writer<troupe::durability::relaxed>;
using passing_writer = writer<troupe::durability::ephemeral>;

const troupe::registry& everybody() {
  static const troupe::registry all = [] {
    troupe::registry r;
    r.use<account>("account");
    r.use<durable_inbox>("inbox");
    r.use<relaxed_inbox>("relaxed_inbox");
    r.use<passing_inbox>("passing_inbox");
    r.use<durable_writer>("writer");
    r.use<relaxed_writer>("relaxed_writer");
    r.use<passing_writer>("passing_writer");
    return r;
  }();
  return all;
}

std::string name_of(int account) { return "account " + std::to_string(account); }

std::int64_t total_of(world& w, int accounts) {
  w.settle();
  std::int64_t total = 0;
  for (int i = 0; i < accounts; ++i) total += w.run(w.client.get_or_create<account>(name_of(i)).call<&account::has>());
  return total;
}

}  // namespace

TEST_CASE("What one account pays another gets") {
  world w{everybody()};
  const auto a = w.client.get_or_create<account>(name_of(0));
  w.run(a.call<&account::open>(100));
  w.run(a.call<&account::pay>(name_of(1), 30));
  w.run(a.call<&account::pay_now>(name_of(1), 5));
  w.settle();
  CHECK(w.run(a.call<&account::has>()) == 65);
  CHECK(w.run(w.client.get_or_create<account>(name_of(1)).call<&account::has>()) == 35);
}

TEST_CASE("No money is lost or made, whichever commit is the last one") {
  constexpr int accounts = 5;
  gated_store store;
  world w{everybody(), store};
  for (int i = 0; i < accounts; ++i) w.run(w.client.get_or_create<account>(name_of(i)).call<&account::open>(100));
  w.settle();
  store.hold();
  std::vector<outcome<std::monostate>> payments;
  int left = 60;
  unsigned seed = 1;
  const auto next = [&](unsigned below) {
    seed = seed * 1'103'515'245U + 12'345U;
    return static_cast<int>(seed >> 16U) % static_cast<int>(below);
  };
  int commits = 0;
  while (left > 0 || store.is_holding_one()) {
    for (int i = 0; i < 3 && left > 0; ++i, --left) {
      const auto from = name_of(next(accounts));
      const auto to = name_of(next(accounts));
      payments.push_back(w.start(w.client.get_or_create<account>(from).call<&account::pay>(to, 1 + next(9))));
    }
    store.let_one_go();
    w.settle();
    ++commits;
    world after{everybody(), store.after_crash()};
    INFO("after commit " << commits);
    CHECK(total_of(after, accounts) == 100 * accounts);
  }
  CHECK(commits > 10);
  store.let_go();
  w.settle();
  for (const auto& p : payments) CHECK(p.done());
  CHECK(total_of(w, accounts) == 100 * accounts);
  CHECK(store.on_their_way().empty());
}

TEST_CASE("A message on its way survives a crash, and arrives once") {
  gated_store store;
  std::optional<gated_store> left;
  {
    world w{everybody(), store};
    const auto from = w.client.get_or_create<durable_writer>("w");
    const auto to = w.client.get_or_create<durable_inbox>("i");
    w.run(from.resolve());
    w.run(to.call<&durable_inbox::rest>());
    w.settle();
    store.hold_loads();
    w.run(from.call<&durable_writer::write_durable>("i", "hello"));
    w.settle();
    CHECK(store.on_their_way().size() == 1);
    left = store.after_crash();
    store.let_loads_go();
  }
  for (int life = 0; life < 2; ++life) {
    world w{everybody(), *left};
    w.settle();
    CHECK(left->on_their_way().empty());
    CHECK(w.run(w.client.get_or_create<durable_inbox>("i").call<&durable_inbox::waiting>()) == 1);
    CHECK(w.run(w.client.get_or_create<durable_writer>("w").call<&durable_writer::log>()) == texts{"hello"});
  }
}

TEST_CASE("What was sent in a turn that is not durable was never sent") {
  gated_store store;
  world w{everybody(), store};
  const auto from = w.client.get_or_create<durable_writer>("w");
  w.run(from.resolve());
  w.run(w.client.get_or_create<durable_inbox>("i").call<&durable_inbox::waiting>());
  w.settle();
  store.hold();
  const auto writing = w.start(from.call<&durable_writer::write_durable>("i", "hello"));
  CHECK_FALSE(writing.done());
  {
    world after{everybody(), store.after_crash()};
    after.settle();
    CHECK(after.run(after.client.get_or_create<durable_inbox>("i").call<&durable_inbox::waiting>()) == 0);
    CHECK(after.run(after.client.get_or_create<durable_writer>("w").call<&durable_writer::log>()).empty());
  }
  store.let_go();
  w.settle();
  CHECK(writing.done());
}

TEST_CASE("A message that leaves and arrives in one commit is never on its way in the store") {
  gated_store store;
  world w{everybody(), store};
  const auto from = w.client.get_or_create<durable_writer>("w");
  w.run(from.resolve());
  w.run(w.client.get_or_create<durable_inbox>("i").call<&durable_inbox::waiting>());
  w.settle();
  store.hold();
  const auto before = w.start(w.client.get_or_create<durable_writer>("v").resolve());
  const auto another = w.start(w.client.get_or_create<durable_writer>("v").call<&durable_writer::leave>("x"));
  CHECK(store.is_holding_one());
  const auto commits = store.commits();
  const auto writing = w.start(from.call<&durable_writer::write_durable>("i", "hello"));
  store.let_one_go();
  w.settle();
  CHECK(store.is_holding_one());
  CHECK(store.commits() == commits + 1);
  CHECK_FALSE(writing.done());
  store.let_one_go();
  w.settle();
  CHECK(writing.done());
  CHECK_FALSE(store.is_holding_one());
  CHECK(store.commits() == commits + 2);
  CHECK(store.on_their_way().empty());
  store.let_go();
  CHECK(w.run(w.client.get_or_create<durable_inbox>("i").call<&durable_inbox::read>(9)) == texts{"hello"});
}

TEST_CASE("The error handler hears of a message to nobody, and the store forgets it") {
  gated_store store;
  world w{everybody(), store};
  const auto from = w.client.get_or_create<durable_writer>("w");
  w.run(from.call<&durable_writer::write_to_existing>("nobody"));
  w.settle();
  CHECK(w.errors == texts{"send in inbox/nobody: actor.not_found"});
  CHECK(store.on_their_way().empty());
  const auto to = w.client.get_or_create<durable_inbox>("i");
  const auto id = w.run(to.resolve());
  w.run(to.call<&durable_inbox::end>());
  w.run(from.call<&durable_writer::write_to_id>(id));
  w.settle();
  CHECK(w.errors.size() == 2);
  CHECK(store.on_their_way().empty());
}

TEST_CASE("A message to an actor that is being destroyed goes to its successor") {
  world w{everybody()};
  const auto from = w.client.get_or_create<durable_writer>("w");
  const auto to = w.client.get_or_create<durable_inbox>("i");
  w.run(from.call<&durable_writer::write_durable>("i", "lost with its actor"));
  const auto ending = w.start(to.call<&durable_inbox::end>());
  w.run(from.call<&durable_writer::write_durable>("i", "for the next"));
  w.settle();
  CHECK(w.run(to.call<&durable_inbox::read>(9)) == texts{"for the next"});
  CHECK(w.errors == texts{"the queues of inbox/i: actor.destroying"});  // of the message that went with its actor
}

TEST_CASE("Messages from actors wait at the door of a full queue, in their order") {
  gated_store store;
  world w{everybody(), store};
  const auto from = w.client.get_or_create<durable_writer>("w");
  const auto to = w.client.get_or_create<durable_inbox>("i");
  w.run(from.call<&durable_writer::write_many>("i", 7));
  w.settle();
  CHECK(w.run(to.call<&durable_inbox::waiting>()) == 2);
  CHECK(store.on_their_way().size() == 5);
  CHECK(w.code(to.send(durable_inbox::notes, "no place")) == "queue.full");
  texts all;
  const auto read = [&](world& in) {
    const auto some = in.run(in.client.get_or_create<durable_inbox>("i").call<&durable_inbox::read>(1));
    all.insert(all.end(), some.begin(), some.end());
    in.settle();
  };
  SECTION("and come in one after the other") {
    for (int i = 0; i < 7; ++i) read(w);
    CHECK(all == texts{"0", "1", "2", "3", "4", "5", "6"});
    CHECK(store.on_their_way().empty());
    CHECK(w.errors.empty());
  }
  SECTION("also after a crash") {
    read(w);
    world after{everybody(), store.after_crash()};
    after.settle();
    for (int i = 0; i < 7; ++i) read(after);
    CHECK(all == texts{"0", "1", "2", "3", "4", "5", "6"});
  }
  SECTION("also after their receiver has slept") {
    w.run(to.call<&durable_inbox::rest>());
    w.settle();
    for (int i = 0; i < 7; ++i) {
      w.pass(61s);
      read(w);
    }
    CHECK(all == texts{"0", "1", "2", "3", "4", "5", "6"});
  }
  SECTION("and go to the next actor when theirs is destroyed") {
    w.run(to.call<&durable_inbox::end>());
    w.settle();
    for (int i = 0; i < 5; ++i) read(w);
    CHECK(all == texts{"2", "3", "4", "5", "6"});
  }
}

TEST_CASE("A receiver that cannot wake gets its message once it can") {
  world w{everybody()};
  durable_inbox::refuse = true;
  w.run(w.client.get_or_create<durable_writer>("w").call<&durable_writer::write_durable>("i", "hello"));
  w.settle();
  CHECK(w.errors.size() == 1);
  w.pass(990ms);
  CHECK(w.errors.size() == 1);
  w.pass(20ms);
  CHECK(w.errors.size() == 2);
  durable_inbox::refuse = false;
  w.pass(1900ms);
  CHECK(w.phase(w.client.get_or_create<durable_inbox>("i")) == phase::asleep);
  w.pass(200ms);
  CHECK(w.run(w.client.get_or_create<durable_inbox>("i").call<&durable_inbox::read>(9)) == texts{"hello"});
}

TEST_CASE("A turn whose state cannot be stored sends nothing") {
  world w{everybody()};
  const auto from = w.client.get_or_create<durable_writer>("w");
  CHECK(w.code(from.call<&durable_writer::write_unstorably>("i")) == "encoding.invalid");
  w.settle();
  CHECK(w.code(w.client.get<durable_inbox>("i").resolve()) == "actor.not_found");
}

TEST_CASE("What on_sleep sends is sent, at the end of the runtime at the next start") {
  const bool at_the_end = GENERATE(false, true);
  gated_store store;
  {
    world w{everybody(), store};
    const auto from = w.client.get_or_create<durable_writer>("w");
    w.run(from.call<&durable_writer::leave>("i"));
    if (!at_the_end) w.run(from.call<&durable_writer::rest>());
    w.settle();
  }
  world w{everybody(), store};
  w.settle();
  CHECK(w.run(w.client.get_or_create<durable_inbox>("i").call<&durable_inbox::read>(9)) == texts{"good night"});
}

TEST_CASE("A store that fails and heals loses no message") {
  gated_store store;
  world w{everybody(), store};
  const auto from = w.client.get_or_create<durable_writer>("w");
  w.run(from.resolve());
  w.run(w.client.get_or_create<durable_inbox>("i").resolve());
  store.fail();
  const auto writing = w.start(from.call<&durable_writer::write_durable>("i", "hello"));
  w.pass(1s);
  CHECK_FALSE(writing.done());
  store.heal();
  w.pass(10s);
  CHECK(writing.done());
  world after{everybody(), store.after_crash()};
  after.settle();
  CHECK(after.run(after.client.get_or_create<durable_inbox>("i").call<&durable_inbox::read>(9)) == texts{"hello"});
}

TEST_CASE("Relaxed actors send and receive at once, and are saved together with it") {
  gated_store store;
  world w{everybody(), store};
  const auto from = w.client.get_or_create<relaxed_writer>("w");
  const auto to = w.client.get_or_create<relaxed_inbox>("i");
  w.run(from.resolve());
  w.run(to.resolve());
  w.settle();
  store.hold();
  w.run(from.call<&relaxed_writer::write_relaxed>("i", "1"));
  w.run(to.send(relaxed_inbox::notes, "2"));
  CHECK(w.run(to.call<&relaxed_inbox::waiting>()) == 2);
  store.let_go();
  w.pass(2s);
  CHECK(store.on_their_way().empty());
  world after{everybody(), store.after_crash()};
  after.settle();
  CHECK(after.run(after.client.get_or_create<relaxed_inbox>("i").call<&relaxed_inbox::read>(9)) == texts{"1", "2"});
  CHECK(after.run(after.client.get_or_create<relaxed_writer>("w").call<&relaxed_writer::log>()) == texts{"1"});
}

TEST_CASE("From a relaxed actor to a durable one, and back, nothing arrives twice") {
  gated_store store;
  std::optional<gated_store> left;
  {
    world w{everybody(), store};
    const auto from = w.client.get_or_create<relaxed_writer>("w");
    w.run(from.resolve());
    w.run(from.call<&relaxed_writer::write_durable>("i", "1"));
    w.run(w.client.get_or_create<durable_writer>("w").call<&durable_writer::write_relaxed>("i", "2"));
    w.settle();
    w.pass(5s);
    CHECK(store.on_their_way().empty());
    left = store.after_crash();
  }
  world w{everybody(), *left};
  w.settle();
  CHECK(w.run(w.client.get_or_create<durable_inbox>("i").call<&durable_inbox::read>(9)) == texts{"1"});
  CHECK(w.run(w.client.get_or_create<relaxed_inbox>("i").call<&relaxed_inbox::read>(9)) == texts{"2"});
}

TEST_CASE("A relaxed receiver that crashes before its save gets the message again") {
  gated_store store;
  world w{everybody(), store};
  const auto to = w.client.get_or_create<relaxed_inbox>("i");
  w.run(to.resolve());
  w.settle();
  w.run(w.client.get_or_create<durable_writer>("w").call<&durable_writer::write_relaxed>("i", "hello"));
  w.settle();
  CHECK(w.run(to.call<&relaxed_inbox::read>(9)) == texts{"hello"});
  world after{everybody(), store.after_crash()};
  after.settle();
  CHECK(after.run(after.client.get_or_create<relaxed_inbox>("i").call<&relaxed_inbox::read>(9)) == texts{"hello"});
}

TEST_CASE("Ephemeral actors send and receive, and the store keeps nothing of it") {
  gated_store store;
  world w{everybody(), store};
  w.run(w.client.get_or_create<durable_writer>("w").call<&durable_writer::write_passing>("i", "1"));
  w.run(w.client.get_or_create<passing_writer>("w").call<&passing_writer::write_durable>("i", "2"));
  w.run(w.client.get_or_create<passing_writer>("w").call<&passing_writer::write_passing>("i", "3"));
  w.settle();
  CHECK(w.run(w.client.get_or_create<passing_inbox>("i").call<&passing_inbox::read>(9)) == texts{"1", "3"});
  CHECK(w.run(w.client.get_or_create<durable_inbox>("i").call<&durable_inbox::read>(9)) == texts{"2"});
  w.settle();
  CHECK(store.on_their_way().empty());
  CHECK(w.errors.empty());
}
