// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <thread>

#include <catch2/catch.hpp>

#include <troupe/store/memory_store.hpp>
#include <troupe/testing/check_store.hpp>

#include "broken_stores.hpp"
#include "store_calls.hpp"

using namespace store_calls;
using Catch::Matchers::Contains;

namespace {

/// Says that it committed, and forgot the last write-set.
class forgetful_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void commit(troupe::commit_request& request) noexcept override {
    if (request.writes.size() > 1) request.writes.pop_back();
    good_->commit(request);
  }
};

/// Commits one write-set after the other, so that what comes before a mistake stays.
class piecemeal_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void commit(troupe::commit_request& request) noexcept override {
    request.result = troupe::commit_request::outcome::committed;
    for (const troupe::write_set& write : request.writes) {
      troupe::commit_request one = store_calls::commit(*good_, {write});
      if (one.failure == nullptr) continue;
      request.result = one.result;
      request.failure = one.failure;
    }
    request.done(request);
  }
};

class unsorted_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void list(troupe::list_request& request) noexcept override {
    const auto answer = std::exchange(request.done, [](troupe::list_request&) noexcept {});
    good_->list(request);
    std::ranges::reverse(request.found);
    request.done = answer;
    request.done(request);
  }
};

class repeating_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void load(troupe::load_request& request) noexcept override {
    good_->load(request);
    request.done(request);
  }
};

/// Gives each of those that are asked together what the one before it was to have.
class mixing_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void load_all(troupe::load_request& first) noexcept override {
    std::string_view before = first.key;
    for (troupe::load_request* each = &first; each != nullptr;) {
      troupe::load_request& request = *std::exchange(each, each->next);
      before = std::exchange(request.key, before);
      good_->load(request);
    }
  }
};

void forget_messages(troupe::commit_request& request) {
  for (troupe::write_set& write : request.writes) write.messages = {};
}
void forget_removed(troupe::commit_request& request) {
  for (troupe::write_set& write : request.writes) write.removed = {};
}
void forget_sent(troupe::commit_request& request) {
  for (troupe::write_set& write : request.writes) write.sent = {};
}
void forget_arrived(troupe::commit_request& request) {
  for (troupe::write_set& write : request.writes) write.arrived = {};
}
void forget_undeliverable(troupe::commit_request& request) { request.undeliverable.clear(); }
void forget_labels(troupe::commit_request& request) {
  for (troupe::write_set& write : request.writes) write.labels = nullptr;
}
void overwrite_kept(troupe::commit_request& request) {
  for (troupe::write_set& write : request.writes) {
    if (write.what == troupe::write_set::action::keep) write.what = troupe::write_set::action::update;
  }
}

/// Takes from their way what arrives in a commit of its own, before the one that has it in a queue.
class early_arrivals_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void commit(troupe::commit_request& request) noexcept override {
    troupe::commit_request first;
    for (const troupe::write_set& write : request.writes) {
      first.undeliverable.insert(first.undeliverable.end(), write.arrived.begin(), write.arrived.end());
    }
    first.done = [](troupe::commit_request&) noexcept {};
    good_->commit(first);
    good_->commit(request);
  }
};

std::vector<troupe::message_record> messages_of(troupe::store& store, const troupe::actor_id& actor) {
  troupe::load_request request;
  request.id = actor;
  request.with_messages = true;
  request.done = [](troupe::load_request&) noexcept {};
  store.load(request);
  return request.found ? std::move(request.found->messages) : std::vector<troupe::message_record>{};
}

/// An update replaces the messages too.
class replacing_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void commit(troupe::commit_request& request) noexcept override {
    std::deque<std::vector<std::uint64_t>> removed;
    for (troupe::write_set& write : request.writes) {
      if (write.what != troupe::write_set::action::update) continue;
      removed.emplace_back(write.removed.begin(), write.removed.end());
      for (const troupe::message_record& message : messages_of(*good_, write.id)) removed.back().push_back(message.id);
      write.removed = removed.back();
    }
    good_->commit(request);
  }
};

/// What a destroyed actor had in its queues is there again when its id is.
class haunted_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void commit(troupe::commit_request& request) noexcept override {
    std::vector<troupe::write_set::message> back;
    for (troupe::write_set& write : request.writes) {
      if (write.what == troupe::write_set::action::destroy) left_[write.id] = messages_of(*good_, write.id);
      if (write.what != troupe::write_set::action::create || left_[write.id].empty()) continue;
      for (const troupe::message_record& m : left_[write.id]) {
        back.push_back({m.id, m.queue, m.dead, m.attempts, m.created_at, m.due_at, m.body});
      }
      write.messages = back;
    }
    good_->commit(request);
  }

 private:
  std::map<troupe::actor_id, std::vector<troupe::message_record>> left_;
};

/// Its lists of who has messages count dead letters: nothing below this one knows which are dead.
class morbid_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void load(troupe::load_request& request) noexcept override {
    const auto answer = std::exchange(request.done, [](troupe::load_request&) noexcept {});
    good_->load(request);
    if (request.found) {
      for (troupe::message_record& message : request.found->messages) {
        if (message.queue.starts_with(mark)) {
          message.dead = true;
          message.queue.erase(0, mark.size());
        }
      }
    }
    request.done = answer;
    request.done(request);
  }
  void commit(troupe::commit_request& request) noexcept override {
    std::deque<std::vector<troupe::write_set::message>> messages;
    std::deque<std::string> queues;
    for (troupe::write_set& write : request.writes) {
      for (auto& message : messages.emplace_back(write.messages.begin(), write.messages.end())) {
        if (std::exchange(message.dead, false)) message.queue = queues.emplace_back(mark).append(message.queue);
      }
      write.messages = messages.back();
    }
    good_->commit(request);
  }

 private:
  static constexpr std::string_view mark = "dead ";
};

/// Loads an actor and, some time later, its messages.
class hesitating_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void load(troupe::load_request& request) noexcept override {
    if (!request.with_messages) return good_->load(request);
    const auto answer = std::exchange(request.done, [](troupe::load_request&) noexcept {});
    request.with_messages = false;
    good_->load(request);
    const int before = commits_;
    for (int waited = 0; waited != 1000 && before == commits_; ++waited) std::this_thread::yield();
    if (request.found) request.found->messages = messages_of(*good_, request.found->id);
    request.done = answer;
    request.done(request);
  }
  void commit(troupe::commit_request& request) noexcept override {
    ++commits_;
    good_->commit(request);
  }

 private:
  std::atomic<int> commits_ = 0;
};

class talkative_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void load(troupe::load_request& request) noexcept override {
    request.with_messages = true;
    good_->load(request);
  }
};

/// Lists messages and those who have them with the last first.
class backward_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void list_outgoing(troupe::outgoing_request& request) noexcept override {
    const auto answer = std::exchange(request.done, [](troupe::outgoing_request&) noexcept {});
    good_->list_outgoing(request);
    std::ranges::reverse(request.found);
    request.done = answer;
    request.done(request);
  }
  void list_waiting(troupe::waiting_request& request) noexcept override {
    const auto answer = std::exchange(request.done, [](troupe::waiting_request&) noexcept {});
    good_->list_waiting(request);
    std::ranges::reverse(request.found);
    request.done = answer;
    request.done(request);
  }
};

class timeless_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  [[nodiscard]] std::uint64_t opening() const noexcept override { return 1; }
};

/// Keeps nothing, and lets anybody in.
troupe::store_factory without_memory() {
  return [] { return troupe::memory{}(); };
}

}  // namespace

TEST_CASE("the suite passes a store that only forwards", "[store][check_store]") {
  CHECK(findings<forwarding_store>().empty());
}

TEST_CASE("the suite finds a store that forgets", "[store][check_store]") {
  CHECK_THAT(findings<forgetful_store>(), Contains("every field: what was created is loaded, every field of it"));
}

TEST_CASE("the suite finds a store that commits in pieces", "[store][check_store]") {
  CHECK_THAT(findings<piecemeal_store>(),
             Contains("mistakes: a commit that failed left no trace of its updates") &&
                 Contains("destroying: a correct commit succeeds, not:"));
}

TEST_CASE("the suite finds a store that lists in any order", "[store][check_store]") {
  const std::string found = findings<unsorted_store>();
  CHECK_THAT(found, Contains("listing: a list is in the order of ids"));
  CHECK(std::ranges::count(found, '\n') == 1);
}

TEST_CASE("the suite finds a store that answers twice", "[store][check_store]") {
  CHECK_THAT(findings<repeating_store>(), Contains("missing actors: a request is answered once"));
}

TEST_CASE("the suite finds a store that mixes up what it is asked together", "[store][check_store]") {
  CHECK_THAT(findings<mixing_store>(),
             Contains("crowds: of requests that are made together, each has its own answer"));
}

TEST_CASE("the suite finds a store that keeps nothing and has many owners", "[store][check_store]") {
  std::string all;
  for (const std::string& found : troupe::testing::check_store(without_memory())) all += found + "\n";
  CHECK_THAT(all, Contains("every field: what was committed is there after reopening") &&
                      Contains("ownership: a second owner is refused with store.in_use"));
}

TEST_CASE("the suite finds a store that forgets a part of a write-set's messages", "[store][check_store]") {
  CHECK_THAT(findings<spoiling_store<forget_messages>>(),
             Contains("every field of messages: an actor's messages are loaded in the order of their ids"));
  CHECK_THAT(findings<spoiling_store<forget_removed>>(),
             Contains("changing messages: a removed message is gone, and others stay"));
  CHECK_THAT(findings<spoiling_store<forget_sent>>(), Contains("passing on: what was sent is on its way"));
  CHECK_THAT(findings<spoiling_store<forget_arrived>>(),
             Contains("passing on: what arrived and what has no receiver is not on its way any more"));
  CHECK_THAT(findings<spoiling_store<forget_undeliverable>>(),
             Contains("passing on: what arrived and what has no receiver is not on its way any more"));
}

TEST_CASE("the suite finds a store that forgets changed tags", "[store][check_store]") {
  CHECK_THAT(findings<spoiling_store<forget_labels>>(),
             Contains("changing tags: an update's tags take the place of all that the actor had"));
}

TEST_CASE("the suite finds a store that takes what arrives before it has it", "[store][check_store]") {
  const std::string found = findings<early_arrivals_store>();
  CHECK_THAT(found, Contains("mistakes with messages: a commit that failed left no trace of what it sent"));
}

TEST_CASE("the suite finds a store that does not keep what it is to keep", "[store][check_store]") {
  CHECK_THAT(findings<spoiling_store<overwrite_kept>>(),
             Contains("changing messages: keeping an actor leaves its row as it is"));
}

TEST_CASE("the suite finds a store that loses messages, or does not get rid of them", "[store][check_store]") {
  CHECK_THAT(findings<replacing_store>(), Contains("changing messages: an update leaves the messages that were there"));
  CHECK_THAT(findings<haunted_store>(), Contains("destroying with messages: a destroyed actor's messages are gone"));
}

TEST_CASE("the suite finds a store whose lists of messages are wrong", "[store][check_store]") {
  CHECK_THAT(findings<morbid_store>(), Contains("who waits: dead letters do not count as messages that wait"));
  CHECK_THAT(findings<backward_store>(),
             Contains("passing on: what was sent is on its way, in the order of ids") &&
                 Contains("who waits: actors with messages are listed once each, in the order of their ids"));
  CHECK_THAT(findings<talkative_store>(), Contains("messages are loaded only if they are asked for"));
}

TEST_CASE("the suite finds a store that loads an actor and its messages at two moments", "[store][check_store]") {
  CHECK_THAT(findings<hesitating_store>(), Contains("one moment: an actor and its messages are loaded as they were"));
}

TEST_CASE("the suite finds a store that is opened twice under one number", "[store][check_store]") {
  const std::string found = findings<timeless_store>();
  CHECK_THAT(found, Contains("openings: each opening has a higher number than all before"));
  CHECK(std::ranges::count(found, '\n') == 1);
}
