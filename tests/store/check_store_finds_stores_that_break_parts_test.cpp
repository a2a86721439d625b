// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <deque>
#include <limits>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "broken_stores.hpp"
#include "store_calls.hpp"

using Catch::Matchers::Contains;

namespace {

/// Lets the good store answer, so that the answer can be spoiled before it is given.
template <class Request>
void ask(troupe::store& good, void (troupe::store::*how)(Request&) noexcept, Request& request) {
  const auto answer = std::exchange(request.done, [](Request&) noexcept {});
  (good.*how)(request);
  request.done = answer;
}

/// Commits parts as `Spoil` changes them.
template <void (*Spoil)(std::vector<troupe::part_change>&)>
class spoiling_parts_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void commit(troupe::commit_request& request) noexcept override {
    std::deque<std::vector<troupe::part_change>> changed;
    for (troupe::write_set& write : request.writes) {
      Spoil(changed.emplace_back(write.parts.begin(), write.parts.end()));
      write.parts = changed.back();
    }
    good_->commit(request);
  }
};

void forget_parts(std::vector<troupe::part_change>& changes) { changes.clear(); }
void forget_removals(std::vector<troupe::part_change>& changes) {
  std::erase_if(changes, [](const troupe::part_change& each) { return !each.value; });
}
void forget_due_times(std::vector<troupe::part_change>& changes) {
  for (troupe::part_change& each : changes) each.due.reset();
}
void turn_round(std::vector<troupe::part_change>& changes) { std::ranges::reverse(changes); }
void mix_collections(std::vector<troupe::part_change>& changes) {
  for (troupe::part_change& each : changes) each.collection = 0;
}

/// Commits parts by themselves, before the rest.
class early_parts_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void commit(troupe::commit_request& request) noexcept override {
    for (const troupe::write_set& write : request.writes) {
      if (write.what != troupe::write_set::action::keep || write.parts.empty()) continue;
      store_calls::commit(*good_, {write});
    }
    good_->commit(request);
  }
};

std::vector<troupe::part_record> rows_of(troupe::store& store, const troupe::actor_id& actor) {
  std::vector<troupe::part_record> all;
  for (const std::uint32_t collection : {0U, 1U, 2U}) {
    troupe::parts_request request{.actor = actor, .collection = collection};
    request.limit = std::numeric_limits<std::size_t>::max();
    request.done = [](troupe::parts_request&) noexcept {};
    store.list_parts(request);
    all.insert(all.end(), request.found.begin(), request.found.end());
  }
  return all;
}

troupe::part_change put(const troupe::part_record& row) {
  return {.collection = row.collection, .key = row.key, .value = troupe::bytes_view{row.value}, .due = row.due};
}

/// The parts of a destroyed actor are there again when its id is.
class haunted_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void commit(troupe::commit_request& request) noexcept override {
    std::vector<troupe::part_change> back;
    for (troupe::write_set& write : request.writes) {
      if (write.what == troupe::write_set::action::destroy) left_[write.id] = rows_of(*good_, write.id);
      if (write.what != troupe::write_set::action::create || left_[write.id].empty()) continue;
      for (const troupe::part_record& row : left_[write.id]) back.push_back(put(row));
      write.parts = back;
    }
    good_->commit(request);
  }

 private:
  std::map<troupe::actor_id, std::vector<troupe::part_record>> left_;
};

/// Takes changes of the parts of an actor that is destroyed.
class lenient_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void commit(troupe::commit_request& request) noexcept override {
    for (troupe::write_set& write : request.writes) {
      if (write.what == troupe::write_set::action::destroy) write.parts = {};
    }
    good_->commit(request);
  }
};

/// Takes less than it says.
class boasting_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  [[nodiscard]] std::size_t value_bytes_max() const noexcept override { return 1000; }
};

class talkative_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void load(troupe::load_request& request) noexcept override {
    static constexpr std::uint32_t all[] = {0, 1, 2, 7};
    if (request.with_parts.empty()) request.with_parts = all;
    good_->load(request);
  }
};

/// What a list of parts may get wrong.
template <void (*Spoil)(troupe::parts_request&)>
class spoiling_list_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void list_parts(troupe::parts_request& request) noexcept override {
    ask(*good_, &troupe::store::list_parts, request);
    Spoil(request);
    request.done(request);
  }
};

void reverse(troupe::parts_request& request) { std::ranges::reverse(request.found); }
/// The rows of the page forward, turned round.
void reverse_page(troupe::parts_request& request) {
  if (request.reverse && request.found.size() == request.limit) std::ranges::reverse(request.found);
}
void drop_first(troupe::parts_request& request) {
  if (!request.found.empty() && std::ranges::equal(request.found[0].key, request.from)) {
    request.found.erase(request.found.begin());
  }
}
/// As bytes with a sign.
void sort_signed(troupe::parts_request& request) {
  const auto sign = [](std::byte each) { return static_cast<signed char>(each); };
  std::ranges::stable_sort(request.found, [&](const troupe::part_record& a, const troupe::part_record& b) {
    return std::ranges::lexicographical_compare(a.key, b.key, {}, sign, sign);
  });
}

/// What a list of what is due may get wrong.
template <void (*Spoil)(troupe::due_request&)>
class spoiling_due_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void list_due(troupe::due_request& request) noexcept override {
    ask(*good_, &troupe::store::list_due, request);
    Spoil(request);
    request.done(request);
  }
};

void by_actor(troupe::due_request& request) {
  std::ranges::stable_sort(request.found, {}, &troupe::due_request::row::actor);
}
void without_keys(troupe::due_request& request) {
  for (auto& row : request.found) row.actor_key.clear();
}

/// Begins its pages with the row that they are to be behind.
class repeating_due_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void list_due(troupe::due_request& request) noexcept override {
    if (request.after && !request.after->key.empty()) request.after->key.pop_back();
    good_->list_due(request);
  }
};

/// Loads an actor and, some time later, its parts.
class hesitating_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void load(troupe::load_request& request) noexcept override {
    if (request.with_parts.empty()) return good_->load(request);
    const auto collections = std::exchange(request.with_parts, {});
    ask(*good_, &troupe::store::load, request);
    const int before = commits_;
    for (int waited = 0; waited != 1000 && before == commits_; ++waited) std::this_thread::yield();
    troupe::load_request again;
    again.id = request.id;
    again.with_parts = collections;
    again.done = [](troupe::load_request&) noexcept {};
    good_->load(again);
    if (request.found && again.found) request.found->parts = again.found->parts;
    request.done(request);
  }
  void commit(troupe::commit_request& request) noexcept override {
    ++commits_;
    good_->commit(request);
  }

 private:
  std::atomic<int> commits_ = 0;
};

/// Lists what was there when it was asked the last time.
class stale_store : public forwarding_store {
 public:
  using forwarding_store::forwarding_store;
  void list_parts(troupe::parts_request& request) noexcept override {
    ask(*good_, &troupe::store::list_parts, request);
    if (!request.from.empty() || request.until || request.reverse) return request.done(request);
    const std::lock_guard lock{mutex_};
    request.found.swap(last_[{request.actor, request.collection}]);
    request.done(request);
  }

 private:
  std::mutex mutex_;
  std::map<std::pair<troupe::actor_id, std::uint32_t>, std::vector<troupe::part_record>> last_;
};

}  // namespace

TEST_CASE("the suite finds a store that forgets some of what changes in parts", "[store][check_store]") {
  CHECK_THAT(findings<spoiling_parts_store<forget_parts>>(),
             Contains("every field of parts: rows of parts are loaded in the order of collections and keys"));
  CHECK_THAT(findings<spoiling_parts_store<forget_removals>>(),
             Contains("changing parts: a row of a part that is removed is gone, and others stay"));
  CHECK_THAT(findings<spoiling_parts_store<forget_due_times>>(),
             Contains("every field of parts: rows of parts are loaded in the order of collections and keys") &&
                 Contains("what is due: what is due is listed in the order of time"));
  CHECK_THAT(findings<spoiling_parts_store<turn_round>>(),
             Contains("changing parts: of changes of one row, the last one counts"));
  CHECK_THAT(findings<spoiling_parts_store<mix_collections>>(),
             Contains("changing parts: keeping an actor adds its parts"));
}

TEST_CASE("the suite finds a store that commits parts before the rest", "[store][check_store]") {
  CHECK_THAT(findings<early_parts_store>(),
             Contains("mistakes with parts: a commit that failed left no trace of its changes of parts"));
}

TEST_CASE("the suite finds a store that takes what it must refuse, or less than it says", "[store][check_store]") {
  CHECK_THAT(findings<lenient_store>(),
             Contains("mistakes with parts: changing parts of an actor that is destroyed is refused"));
  CHECK_THAT(findings<boasting_store>(), Contains("mistakes with parts: a row of a part whose key and value are larger"));
}

TEST_CASE("the suite finds a store that does not get rid of parts", "[store][check_store]") {
  CHECK_THAT(findings<haunted_store>(), Contains("destroying with parts: a destroyed actor's parts are gone"));
}

TEST_CASE("the suite finds a store whose lists of parts are wrong", "[store][check_store]") {
  CHECK_THAT(findings<talkative_store>(), Contains("every field of parts: parts are loaded only if they are asked for"));
  CHECK_THAT(findings<spoiling_list_store<reverse>>(),
             Contains("ranges of parts: rows are in the order of their keys, as bytes without a sign"));
  CHECK_THAT(findings<spoiling_list_store<sort_signed>>(),
             Contains("ranges of parts: rows are in the order of their keys, as bytes without a sign"));
  CHECK_THAT(findings<spoiling_list_store<reverse_page>>(),
             Contains("ranges of parts: a page in reverse has the last rows of its range"));
  CHECK_THAT(findings<spoiling_list_store<drop_first>>(), Contains("ranges of parts: "));
  CHECK_THAT(findings<stale_store>(), Contains("parts of one moment: "));
}

TEST_CASE("the suite finds a store whose lists of what is due are wrong", "[store][check_store]") {
  CHECK_THAT(findings<spoiling_due_store<by_actor>>(),
             Contains("what is due: what is due is listed in the order of time, of actors, collections and keys"));
  CHECK_THAT(findings<spoiling_due_store<without_keys>>(),
             Contains("what is due: what is due is listed with its actor's key"));
  CHECK_THAT(findings<repeating_due_store>(), Contains("what is due: a page starts behind `after`"));
}

TEST_CASE("the suite finds a store that loads an actor and its parts at two moments", "[store][check_store]") {
  CHECK_THAT(findings<hesitating_store>(),
             Contains("parts of one moment: an actor and its parts are loaded as they were at one moment"));
}
