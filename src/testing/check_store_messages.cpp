// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <limits>
#include <map>
#include <random>
#include <thread>

#include <fmt/format.h>

#include "store_driver.hpp"

// The checks of messages, in queues and on their way to them.

namespace troupe {
inline namespace v0 {
namespace testing {
namespace store_checking {
namespace {

using messages = std::vector<message_record>;
using outgoing = std::vector<outgoing_request::message>;

void has_messages(opened& store, const actor_record& actor, const messages& wanted, std::string_view promise) {
  expect(same(store.messages(actor), wanted), promise);
}

void are_outgoing(const outgoing& found, const outgoing& wanted, std::string_view promise) {
  const auto same_message = [](const auto& a, const auto& b) { return a.id == b.id && a.content == b.content; };
  expect(std::ranges::equal(found, wanted, same_message), promise);
}

void on_their_way(bench& b, opened& store, const outgoing& wanted, std::string_view promise) {
  are_outgoing(store.outgoing(b.first_number()), wanted, promise);
}

std::vector<actor_id> ids_of(const std::vector<waiting_request::actor>& actors) {
  std::vector<actor_id> ids;
  for (const waiting_request::actor& actor : actors) ids.push_back(actor.id);
  return ids;
}

// -- the checks -----------------------------------------------------------------------------------------------------

void every_field_of_messages(bench& b) {
  const actor_record actor = b.actor("a");
  const actor_record other = b.actor("b");
  message_record plain = b.message(3, "");
  message_record full = b.message(4, std::string_view{"\0\xff binary \0", 11});
  full.queue = R"(a "queue" of ünïcode)";
  full.dead = true;
  full.attempts = 4'294'967'295U;
  full.due_at = to_time(4'102'444'800'123);
  message_record large = b.message(9'223'372'036'854'775'807U, std::string(1 << 20, 'x'));
  large.queue.clear();
  const messages all{plain, full, large};
  const messages others{b.message(3, "of another actor")};
  {
    opened store{b.make};
    store.commit(batch{}.create(actor).put({large, plain, full}).create(other).put(others));
    has_messages(store, actor, all, "an actor's messages are loaded in the order of their ids, every field of them");
    has_messages(store, other, others, "messages belong to an actor");
    store.has(actor, "an actor that is created with messages is there");
    expect(store.load(actor.id)->messages.empty(), "messages are loaded only if they are asked for");
  }
  opened store{b.make};
  has_messages(store, actor, all, "messages are there after reopening");
  expect(store.messages(b.actor("nobody")).empty(), "an actor that does not exist has no messages");
}

void changing_messages(bench& b) {
  opened store{b.make};
  actor_record actor = b.actor("a", "");
  actor.initialised = false;
  actor.input = to_bytes("input");
  actor.version = 7;
  messages waiting{b.message(1, "one"), b.message(2, "two"), b.message(3, "three")};
  store.commit(batch{}.create(actor));
  store.commit(batch{}.keep(actor.id).put(waiting));
  store.has(actor, "keeping an actor leaves its row as it is");
  has_messages(store, actor, waiting, "keeping an actor adds its messages");

  waiting[1].queue = "another";
  waiting[1].dead = true;
  waiting[1].attempts = 5;
  waiting[1].due_at += std::chrono::hours{1};
  message_record changed = waiting[1];
  changed.body = to_bytes("looked at if it is new");
  changed.created_at += std::chrono::hours{1};
  store.commit(batch{}.keep(actor.id).put({changed}));
  has_messages(store, actor, waiting, "a message that is there changes, but for its body and time of creation");

  actor.initialised = true;
  actor.input.reset();
  actor.state = to_bytes("state");
  waiting.push_back(b.message(4, "four"));
  store.commit(batch{}.update(actor).put({waiting.back()}));
  store.has(actor, "an update that adds messages updates");
  has_messages(store, actor, waiting, "an update leaves the messages that were there, and adds its own");
  store.commit(batch{}.update(actor));
  has_messages(store, actor, waiting, "an update leaves the messages that were there");

  std::erase_if(waiting, [](const message_record& m) { return m.id == 1 || m.id == 3; });
  store.commit(batch{}.keep(actor.id).remove({3, 1}));
  has_messages(store, actor, waiting, "a removed message is gone, and others stay");
  store.commit(batch{}.keep(actor.id).remove({1, 77, 77}));
  has_messages(store, actor, waiting, "removing a message that is not there does nothing");
  store.commit(batch{}.keep(actor.id).put({b.message(5)}).remove({5}));
  has_messages(store, actor, waiting, "messages are removed after they are put");
}

void destroying_with_messages(bench& b) {
  opened store{b.make};
  const actor_record actor = b.actor("a");
  const actor_record other = b.actor("b");
  const messages waiting{b.message(1), b.message(2)};
  const outgoing sent{b.outgoing(), b.outgoing(), b.outgoing()};
  store.commit(batch{}.create(actor).put(waiting).send({sent[0], sent[1]}).create(other).put(waiting));
  store.commit(batch{}.destroy(actor.id).send({sent[2]}).arrive({sent[0].id}).remove({1}));
  on_their_way(b, store, {sent[1], sent[2]}, "what an actor sent stays on its way when it is destroyed");
  expect(ids_of(store.waiting(b.first_id())) == std::vector{other.id}, "a destroyed actor has no messages");
  has_messages(store, other, waiting, "destroying an actor leaves the messages of others");
  store.commit(batch{}.create(actor));
  has_messages(store, actor, {}, "a destroyed actor's messages are gone");
}

void passing_on(bench& b) {
  const actor_record sender = b.actor("sender");
  const actor_record receiver = b.actor("receiver");
  outgoing sent;
  for (int at = 0; at != 10; ++at) sent.push_back(b.outgoing());
  {
    opened store{b.make};
    const outgoing first{sent.begin(), sent.begin() + 8};
    store.commit(batch{}.create(receiver).send({sent[8], sent[9]}).create(sender).send(first));
    on_their_way(b, store, sent, "what was sent is on its way, in the order of ids");
    const outgoing page{sent.begin() + 4, sent.begin() + 7};
    are_outgoing(store.outgoing(sent[3].id, 3), page, "a page starts behind `after` and has `limit` rows");
    expect(store.outgoing(sent[9].id).empty(), "behind the last id there is nothing");
    expect(store.outgoing(std::numeric_limits<std::uint64_t>::max()).empty(), "behind the last id there is nothing");
    expect(store.outgoing(0, 0).empty(), "a page of no rows has none");
  }
  opened store{b.make};
  on_their_way(b, store, sent, "what was sent is on its way after reopening");
  const messages taken{b.message(1, "taken")};
  store.commit(batch{}.keep(receiver.id).put(taken).arrive({sent[0].id, sent[4].id}).undeliverable({sent[9].id}));
  const outgoing left{sent[1], sent[2], sent[3], sent[5], sent[6], sent[7], sent[8]};
  on_their_way(b, store, left, "what arrived and what has no receiver is not on its way any more");
  has_messages(store, receiver, taken, "what arrived is in the receiver's queue");
  store.commit(batch{}.keep(receiver.id).arrive({sent[0].id}).undeliverable({sent[9].id}));
  on_their_way(b, store, left, "what arrives and is not there does nothing");

  const outgoing at_once{b.outgoing(), b.outgoing(), b.outgoing()};
  const messages both{taken[0], b.message(2, "at once")};
  batch passing;
  passing.keep(receiver.id).put({both[1]}).arrive({at_once[1].id, left[6].id}).keep(sender.id).send(at_once);
  store.commit(passing.undeliverable({at_once[2].id}));
  outgoing rest{left.begin(), left.end() - 1};
  rest.push_back(at_once[0]);
  on_their_way(b, store, rest, "what is sent and arrives in one commit is not on its way");
  has_messages(store, receiver, both, "what is sent and arrives in one commit is in the receiver's queue");
  std::vector<std::uint64_t> all;
  for (const outgoing_request::message& m : rest) all.push_back(m.id);
  store.commit(batch{}.undeliverable(all));
  on_their_way(b, store, {}, "a commit may do nothing but delete what has no receiver");
}

void who_waits(bench& b) {
  opened store{b.make};
  std::vector<actor_record> actors;
  for (int at = 0; at != 6; ++at) actors.push_back(b.actor(fmt::format("{}", at)));
  message_record dead = b.message(1);
  dead.dead = true;
  message_record late = b.message(3);
  late.due_at += std::chrono::hours{1};
  const message_record due = b.message(2);
  batch creating;
  creating.create(actors[5]).put({late}).create(actors[4]).put({late, due, dead}).create(actors[3]).put({dead});
  creating.create(actors[2]).put({due, late}).create(actors[1]).create(actors[0]).put({late});
  store.commit(creating);

  const std::vector<waiting_request::actor> found = store.waiting(b.first_id());
  const std::vector<actor_id> wanted{actors[0].id, actors[2].id, actors[4].id, actors[5].id};
  expect(ids_of(found) != std::vector{actors[0].id, actors[2].id, actors[3].id, actors[4].id, actors[5].id},
         "dead letters do not count as messages that wait");
  expect(ids_of(found) == wanted, "actors with messages are listed once each, in the order of their ids");
  expect(std::ranges::all_of(found, [&](const auto& actor) { return actor.name == b.name; }) && found[1].key == "2",
         "an actor with messages is listed with its name and key");
  expect(found[0].due_at == late.due_at && found[1].due_at == due.due_at && found[2].due_at == due.due_at,
         "an actor with messages is listed with the time at which the first is due, dead letters aside");
  const auto delay_of = [](const message_record& m) { return m.due_at - m.created_at; };
  expect(found[0].shortest_delay == delay_of(late) && found[1].shortest_delay == delay_of(due),
         "an actor with messages is listed with the shortest delay of one of them, dead letters aside");
  expect(ids_of(store.waiting(wanted[0], 2)) == std::vector{wanted[1], wanted[2]},
         "a page starts behind `after` and has `limit` rows");
  expect(store.waiting(wanted.back()).empty(), "behind the last id there is nothing");
  expect(store.waiting(b.first_id(), 0).empty(), "a page of no rows has none");

  message_record failed = due;
  failed.dead = true;
  batch emptying;
  emptying.keep(actors[4].id).put({failed}).keep(actors[0].id).remove({3}).update(actors[2]).remove({2, 3});
  store.commit(emptying);
  const std::vector<waiting_request::actor> later = store.waiting(b.first_id());
  expect(ids_of(later) == std::vector{actors[4].id, actors[5].id}, "an actor whose messages are removed has none");
  expect(later[0].due_at == late.due_at, "a message that becomes a dead letter does not count any more");
}

void mistakes_with_messages(bench& b) {
  opened store{b.make};
  const actor_record kept = b.actor("kept");
  const actor_record doomed = b.actor("doomed");
  const actor_record absent = b.actor("absent");
  const messages waiting{b.message(1), b.message(2)};
  const outgoing sent{b.outgoing(), b.outgoing()};
  store.commit(batch{}.create(kept).put(waiting).send(sent).create(doomed).put(waiting));

  const auto refused = [&](batch& rest, std::string_view promise) {
    message_record changed = waiting[0];
    changed.attempts = 9;
    rest.keep(kept.id).put({changed, b.message(3)}).remove({2}).send({b.outgoing()}).arrive({sent[0].id});
    store.commit_is_refused(rest.undeliverable({sent[1].id}), promise);
    has_messages(store, kept, waiting, "a commit that failed left no trace of its messages");
    has_messages(store, doomed, waiting, "a commit that failed left no trace of its destroys");
    on_their_way(b, store, sent, "a commit that failed left no trace of what it sent and what arrived");
  };
  refused(batch{}.destroy(doomed.id).keep(absent.id), "keeping an actor that does not exist is refused");
  refused(batch{}.keep(absent.id).put(waiting), "giving messages to an actor that does not exist is refused");
  refused(batch{}.keep(doomed.id).keep(doomed.id), "naming an id twice is refused");
  refused(batch{}.destroy(doomed.id).put({b.message(3)}), "giving messages to an actor that is destroyed is refused");
  refused(batch{}.keep(doomed.id).put({b.message(0)}), "a message with an id out of range is refused");
  refused(batch{}.keep(doomed.id).put({b.message(1ULL << 63)}), "a message with an id out of range is refused");
  refused(batch{}.keep(doomed.id).send({{.id = 0}}), "sending a message with an id out of range is refused");
  refused(batch{}.keep(doomed.id).send({{.id = 1ULL << 63}}), "sending a message with an id out of range is refused");
  store.commit_is_refused(batch{}.keep(kept.id).send({sent[0]}), "sending what is on its way already is refused");
  on_their_way(b, store, sent, "sending what is on its way already is refused");
}

void many_messages(bench& b) {
  constexpr std::size_t count = 4096;
  opened store{b.make};
  const actor_record actor = b.actor("a");
  messages waiting;
  outgoing sent;
  std::vector<std::uint64_t> numbers;
  std::vector<std::uint64_t> ids;
  while (waiting.size() < count) {
    ids.push_back(waiting.size() + 1);
    waiting.push_back(b.message(ids.back()));
    sent.push_back(b.outgoing());
    numbers.push_back(sent.back().id);
  }
  store.commit(batch{}.create(actor).put(waiting).send(sent));
  has_messages(store, actor, waiting, "a commit of 4,096 messages is there whole");
  on_their_way(b, store, sent, "a commit of 4,096 messages is there whole");
  std::ranges::shuffle(ids, b.random);
  std::ranges::shuffle(numbers, b.random);
  store.commit(batch{}.keep(actor.id).remove(ids).arrive(numbers));
  has_messages(store, actor, {}, "a commit that removes 4,096 messages removes all");
  on_their_way(b, store, {}, "a commit in which 4,096 messages arrive takes all");
}

/// The actor's version says which messages it has; a list of what is on its way has one.
void one_moment(bench& b) {
  constexpr std::uint32_t commits = 200;
  constexpr std::uint32_t reads_min = 20;  // beside commits
  opened store{b.make};
  actor_record actor = b.actor("a");
  outgoing_request::message sent = b.outgoing();
  store.commit(batch{}.create(actor).put({b.message(1)}).send({sent}));
  std::atomic<bool> is_over = false;
  std::atomic<std::uint32_t> reads = 0;
  std::string broken;
  std::thread reader{[&] {
    try {
      while (!is_over) {
        const std::optional<actor_record> found = store.load_with_messages(actor.id);
        expect(found && found->messages.size() == 1 && found->messages[0].id == found->version,
               "an actor and its messages are loaded as they were at one moment");
        expect(store.is_per_actor() || store.outgoing(b.first_number()).size() == 1,
               "a list of what is on its way is of one moment");
        expect(store.waiting(b.first_id()).size() == 1, "a list of who has messages is of one moment");
        ++reads;
      }
    } catch (const broken_promise& promise) {
      broken = promise.sentence;
      reads = reads_min;
    }
  }};
  std::exception_ptr failure;
  try {
    for (actor.version = 2; actor.version <= commits || reads < reads_min; ++actor.version) {
      const outgoing_request::message next = b.outgoing();
      store.commit(batch{}.update(actor).put({b.message(actor.version)}).remove({actor.version - 1}).send({next})
                       .arrive({sent.id}));
      sent = next;
    }
  } catch (...) {
    failure = std::current_exception();
  }
  is_over = true;
  reader.join();
  if (failure) std::rethrow_exception(failure);
  expect(broken.empty(), broken);
}

/// Actors that send each other messages at random, beside a model of them, with reopening now and then.
class random_traffic {
 public:
  explicit random_traffic(bench& b) : bench_{b} {
    for (int at = 0; at != 5; ++at) actors_.push_back({.record = b.actor(fmt::format("{}", at)), .waiting = {}});
  }

  [[nodiscard]] batch creating() const {
    batch all;
    for (const actor& each : actors_) all.create(each.record);
    return all;
  }

  [[nodiscard]] batch step() {
    batch all;
    for (actor& each : actors_) {
      if (bench_.random() % 3 == 0) continue;
      if (bench_.random() % 2 == 0) {
        each.record.state = to_bytes(fmt::format("{}", bench_.random()));
        all.update(each.record);
      } else {
        all.keep(each.record.id);
      }
      send(all);
      take(each, all);
    }
    return all;
  }

  void compare(opened& store) {
    for (const actor& each : actors_) {
      messages wanted;
      for (const auto& [id, message] : each.waiting) wanted.push_back(message);
      store.has(each.record, "after reopening, every actor is as the last commit left it");
      has_messages(store, each.record, wanted, "after reopening, every message is as the last commit left it");
    }
    outgoing wanted;
    for (const auto& [id, message] : sent_) wanted.push_back(message);
    on_their_way(bench_, store, wanted, "after reopening, what is on its way is what the last commit left");
  }

 private:
  struct actor {
    actor_record record;
    std::map<std::uint64_t, message_record> waiting;
  };

  void send(batch& all) {
    outgoing some;
    while (bench_.random() % 3 != 0) some.push_back(bench_.outgoing());
    for (const outgoing_request::message& message : some) sent_.emplace(message.id, message);
    all.send(some);
  }

  /// Messages arrive, and others are tried or done with.
  void take(actor& to, batch& all) {
    messages put;
    std::vector<std::uint64_t> arrived;
    std::vector<std::uint64_t> removed;
    for (auto& [id, message] : to.waiting) {
      if (bench_.random() % 3 == 0) removed.push_back(id);
      if (bench_.random() % 3 != 0) continue;
      message.attempts += 1;
      message.dead = message.attempts > 3;
      put.push_back(message);
    }
    while (!sent_.empty() && bench_.random() % 3 != 0) {
      arrived.push_back(sent_.begin()->first);
      put.push_back(bench_.message(++last_id_));
      to.waiting.emplace(last_id_, put.back());
      sent_.erase(sent_.begin());
    }
    for (const std::uint64_t id : removed) to.waiting.erase(id);
    all.put(put).remove(removed).arrive(arrived);
  }

  bench& bench_;
  std::vector<actor> actors_;
  std::map<std::uint64_t, outgoing_request::message> sent_;
  std::uint64_t last_id_ = 0;
};

void random_messages(bench& b) {
  random_traffic traffic{b};
  opened{b.make}.commit(traffic.creating());
  for (int opening = 0; opening != 4; ++opening) {
    opened store{b.make};
    traffic.compare(store);
    for (int commit = 0; commit != 40; ++commit) store.commit(traffic.step());
  }
  opened store{b.make};
  traffic.compare(store);
}

constexpr check checks_of_messages[] = {
    {"every field of messages", every_field_of_messages},
    {"changing messages", changing_messages},
    {"destroying with messages", destroying_with_messages},
    {"passing on", passing_on},
    {"who waits", who_waits},
    {"mistakes with messages", mistakes_with_messages},
    {"many messages", many_messages},
    {"one moment", one_moment},
    {"random messages", random_messages},
};

}  // namespace

std::span<const check> message_checks() { return checks_of_messages; }

}  // namespace store_checking
}  // namespace testing
}  // namespace v0
}  // namespace troupe
