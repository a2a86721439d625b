// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <troupe/core/error.hpp>

#include "store_driver.hpp"

// The checks of stores that commit the changes of each actor by themselves.

namespace troupe {
inline namespace v0 {
namespace testing {
namespace store_checking {
namespace {

using outcome = commit_request::outcome;

/// A request of one actor, under way with others.
class pending_commit {
 public:
  pending_commit(opened& store, batch changes) : changes_{std::move(changes)} {
    request_->writes = changes_.writes();
    request_->undeliverable = changes_.undeliverable();
    store->commit(*request_);
  }
  pending_commit(pending_commit&&) = default;
  ~pending_commit() {
    if (request_ != nullptr && request_->answers() == 0) static_cast<void>(request_.release());
  }

  outcome wait() {
    expect(request_->wait(), "every commit that is under way is answered");
    expect(request_->answers() == 1, "a request is answered once");
    return request_->result;
  }

 private:
  batch changes_;
  std::unique_ptr<asked<commit_request>> request_ = std::make_unique<asked<commit_request>>();
};

void commits_under_way(bench& b) {
  opened store{b.make};
  if (!store.is_per_actor()) return;
  constexpr int rounds = 20;
  std::vector<actor_record> actors;
  for (int at = 0; at != 64; ++at) actors.push_back(b.actor(fmt::format("{}", at)));
  for (int round = 0; round != rounds; ++round) {
    std::vector<pending_commit> pending;
    for (actor_record& actor : actors) {
      actor.state = to_bytes(fmt::format("state {}", round));
      pending.emplace_back(store, round == 0 ? std::move(batch{}.create(actor)) : std::move(batch{}.update(actor)));
    }
    for (std::size_t at = 0; at != actors.size(); ++at) {
      expect(pending[at].wait() == outcome::committed, "commits of many actors that are under way at once succeed");
      store.has(actors[at], "a load sees each commit whose `done` has been called");
    }
  }
}

void outcomes_apart(bench& b) {
  opened store{b.make};
  if (!store.is_per_actor()) return;
  const actor_record taken = b.actor("taken");
  store.commit(batch{}.create(taken));
  const actor_record before = b.actor("before");
  const actor_record absent = b.actor("absent");
  const actor_record between = b.actor("between");
  const actor_record same_key = b.actor("taken");
  const actor_record after = b.actor("after");
  std::vector<pending_commit> pending;
  pending.emplace_back(store, std::move(batch{}.create(before)));
  pending.emplace_back(store, std::move(batch{}.update(absent)));
  pending.emplace_back(store, std::move(batch{}.create(between)));
  pending.emplace_back(store, std::move(batch{}.create(same_key)));
  pending.emplace_back(store, std::move(batch{}.create(after)));
  const std::vector<outcome> wanted{outcome::committed, outcome::refused, outcome::committed, outcome::refused,
                                    outcome::committed};
  for (std::size_t at = 0; at != wanted.size(); ++at) {
    expect(pending[at].wait() == wanted[at], "a mistake in the changes of one actor is refused, and others are stored");
  }
  store.has(before, "the changes of one actor are stored whatever becomes of another's");
  store.has(between, "the changes of one actor are stored whatever becomes of another's");
  store.has(after, "the changes of one actor are stored whatever becomes of another's");
  store.has(taken, "changes that are refused left no trace");
  store.has_not(absent, "changes that are refused left no trace");
}

void whole_changes(bench& b) {
  const actor_record sender = b.actor("sender");
  const auto sent = b.outgoing();
  const part_record row{.collection = 7, .key = to_bytes("key"), .value = to_bytes("value")};
  {
    opened store{b.make};
    if (!store.is_per_actor()) return;
    store.commit(batch{}.create(sender));
    store.commit_is_refused(batch{}.create(sender).put({b.message(1)}).send({sent}).put_parts({row}),
                            "creating an id that is taken is refused");
    expect(store.messages(sender).empty(), "changes that are refused left no message");
    expect(store.outgoing(b.first_number()).empty(), "changes that are refused sent nothing");
    store.commit(batch{}.update(sender).put({b.message(1)}).send({sent}).put_parts({row}));
  }
  opened store{b.make};
  const std::uint32_t collections[] = {7};
  expect(store.messages(sender).size() == 1, "state, messages and parts of one actor are committed together");
  expect(store.outgoing(b.first_number()).size() == 1, "what an actor sends is committed with its changes");
  expect(store.load_with_parts(sender.id, collections)->parts.size() == 1,
         "state, messages and parts of one actor are committed together");
  store.commit(batch{}.undeliverable({sent.id}));
  expect(store.outgoing(b.first_number()).empty(), "a request that names undeliverable messages alone deletes them");
}

constexpr check all[] = {
    {"commits under way at once", commits_under_way},
    {"outcomes of single actors", outcomes_apart},
    {"changes of one actor", whole_changes},
};

}  // namespace

std::span<const check> cut_checks() { return all; }

}  // namespace store_checking
}  // namespace testing
}  // namespace v0
}  // namespace troupe
