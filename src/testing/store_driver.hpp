// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <troupe/core/error.hpp>
#include <troupe/store/store.hpp>

#include "store_batch.hpp"

// How `check_store` talks to a store: requests that can be waited for.

namespace troupe {
inline namespace v0 {
namespace testing {
namespace store_checking {

inline constexpr std::chrono::seconds answer_timeout{10};

/// Ends a check.
struct broken_promise {
  std::string sentence;
};

inline void expect(bool kept, std::string_view promise) {
  if (!kept) throw broken_promise{std::string{promise}};
}

inline std::string describe(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception of unknown type";
  }
}

inline bool is_error(const std::exception_ptr& failure, errc code) {
  try {
    if (failure) std::rethrow_exception(failure);
  } catch (const error& e) {
    return e.is(code);
  } catch (...) {
  }
  return false;
}

/// A request whose answer can be waited for.
template <class Request>
class asked : public Request {
 public:
  asked() {
    this->done = [](Request& request) noexcept {
      auto& self = static_cast<asked&>(request);
      const std::lock_guard lock{self.mutex_};
      ++self.answers_;
      self.answered_.notify_all();
    };
  }

  [[nodiscard]] bool wait() {
    std::unique_lock lock{mutex_};
    return answered_.wait_for(lock, answer_timeout, [this] { return answers_ != 0; });
  }

  [[nodiscard]] int answers() {
    const std::lock_guard lock{mutex_};
    return answers_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable answered_;
  int answers_ = 0;
};

/// Asks, and waits for the one answer. A request that is never answered is left to the store for good.
template <class Request, class Ask>
std::unique_ptr<asked<Request>> answer_to(std::unique_ptr<asked<Request>> request, const Ask& ask) {
  ask(*request);
  if (!request->wait()) {
    static_cast<void>(request.release());
    throw broken_promise{"every request is answered"};
  }
  expect(request->answers() == 1, "a request is answered once");
  return request;
}

inline bytes to_bytes(std::string_view text) {
  const bytes_view view = std::as_bytes(std::span{text});
  return {view.begin(), view.end()};
}

inline std::chrono::sys_time<std::chrono::milliseconds> to_time(std::uint64_t milliseconds) {
  return std::chrono::sys_time<std::chrono::milliseconds>{std::chrono::milliseconds{milliseconds}};
}

inline bool same(const message_record& a, const message_record& b) {
  return a.id == b.id && a.queue == b.queue && a.dead == b.dead && a.attempts == b.attempts &&
         a.created_at == b.created_at && a.due_at == b.due_at && a.body == b.body;
}

inline bool same(const std::vector<message_record>& a, const std::vector<message_record>& b) {
  return std::ranges::equal(a, b, [](const message_record& one, const message_record& other) {
    return same(one, other);
  });
}

inline bool same(const part_record& a, const part_record& b) {
  return a.collection == b.collection && a.key == b.key && a.value == b.value && a.due == b.due;
}

inline bool same(const std::vector<part_record>& a, const std::vector<part_record>& b) {
  return std::ranges::equal(a, b, [](const part_record& one, const part_record& other) { return same(one, other); });
}

/// Messages and parts aside.
inline bool same(const actor_record& a, const actor_record& b) {
  return a.id == b.id && a.name == b.name && a.key == b.key && a.initialised == b.initialised &&
         a.version == b.version && a.state == b.state && a.input == b.input && a.labels == b.labels &&
         a.created_at == b.created_at;
}

/// An open store, with calls that wait.
class opened {
 public:
  explicit opened(const store_factory& make) : store_{make()} { expect(store_ != nullptr, "a factory gives a store"); }
  ~opened() { store_->close(); }
  opened(const opened&) = delete;
  opened& operator=(const opened&) = delete;

  [[nodiscard]] bool is_per_actor() const noexcept { return store_->traits().cut == commit_cut::per_actor; }

  std::unique_ptr<asked<commit_request>> try_commit(const batch& changes) {
    auto request = std::make_unique<asked<commit_request>>();
    request->epoch = ++epoch_;
    request->writes = changes.writes();
    request->undeliverable = changes.undeliverable();
    return try_commit(std::move(request));
  }

  std::unique_ptr<asked<commit_request>> try_commit(std::unique_ptr<asked<commit_request>> request) {
    auto answer = answer_to(std::move(request), [this](commit_request& r) { store_->commit(r); });
    const bool failed = answer->result != commit_request::outcome::committed;
    expect(failed == static_cast<bool>(answer->failure), "a commit gives a failure exactly when it does not succeed");
    return answer;
  }

  /// To a store of one commit per actor, one write-set after the other, destroys before the rest.
  void commit(const batch& changes) {
    if (is_per_actor()) return commit_apart(changes);
    succeeds(try_commit(changes));
  }

  /// What is wrong between several write-sets is nothing to a store of one commit per actor.
  void commit_is_refused(const batch& changes, std::string_view promise) {
    if (is_per_actor() && changes.writes().size() > 1) return;
    const auto answer = try_commit(changes);
    const bool is_refused = answer->result == commit_request::outcome::refused;
    expect(is_refused && is_error(answer->failure, errc::store_failed), promise);
    const bool is_one = std::ranges::any_of(answer->writes, [&](const auto& w) { return &w == answer->at_fault; });
    expect(is_one || answer->at_fault == nullptr, "the write-set at fault is one of the request");
  }

  std::optional<actor_record> load(const actor_id& id) {
    auto request = std::make_unique<asked<load_request>>();
    request->id = id;
    return loaded(std::move(request));
  }

  std::optional<actor_record> load(std::string_view name, std::string_view key) {
    auto request = std::make_unique<asked<load_request>>();
    request->name = name;
    request->key = key;
    return loaded(std::move(request));
  }

  /// Asks for all of these together. The answers are in the same order.
  std::vector<std::optional<actor_record>> load_all(std::string_view name, const std::vector<std::string>& keys) {
    std::vector<std::unique_ptr<asked<load_request>>> requests;
    for (const std::string& key : keys) {
      auto& request = *requests.emplace_back(std::make_unique<asked<load_request>>());
      request.name = name;
      request.key = key;
    }
    for (std::size_t i = 1; i < requests.size(); ++i) requests[i - 1]->next = requests[i].get();
    store_->load_all(*requests.front());
    std::vector<std::optional<actor_record>> found;
    for (auto& request : requests) {
      if (!request->wait()) {
        for (auto& each : requests) static_cast<void>(each.release());
        throw broken_promise{"every request is answered"};
      }
      if (request->failure) throw broken_promise{"loading succeeds, not: " + describe(request->failure)};
      found.push_back(std::move(request->found));
    }
    for (const auto& request : requests) expect(request->answers() == 1, "a request is answered once");
    return found;
  }

  std::vector<actor_record> list(std::string_view name, const tags* labels = nullptr,
                                 std::optional<actor_id> after = {}, std::size_t limit = 1'000'000) {
    auto request = std::make_unique<asked<list_request>>();
    request->name = name;
    request->labels = labels;
    request->after = after;
    request->limit = limit;
    const auto answer = answer_to(std::move(request), [this](list_request& r) { store_->list(r); });
    if (answer->failure) throw broken_promise{"listing succeeds, not: " + describe(answer->failure)};
    return std::move(answer->found);
  }

  std::optional<actor_record> load_with_messages(const actor_id& id) {
    auto request = std::make_unique<asked<load_request>>();
    request->id = id;
    request->with_messages = true;
    return loaded(std::move(request));
  }

  /// Those in the actor's queues; none if it does not exist.
  std::vector<message_record> messages(const actor_record& actor) {
    std::optional<actor_record> found = load_with_messages(actor.id);
    return found ? std::move(found->messages) : std::vector<message_record>{};
  }

  std::vector<outgoing_request::message> outgoing(std::uint64_t after = 0, std::size_t limit = 1'000'000) {
    auto request = std::make_unique<asked<outgoing_request>>();
    request->after = after;
    request->limit = limit;
    const auto answer = answer_to(std::move(request), [this](outgoing_request& r) { store_->list_outgoing(r); });
    if (answer->failure) throw broken_promise{"listing what is on its way succeeds, not: " + describe(answer->failure)};
    return std::move(answer->found);
  }

  std::vector<waiting_request::actor> waiting(std::optional<actor_id> after = {}, std::size_t limit = 1'000'000) {
    auto request = std::make_unique<asked<waiting_request>>();
    request->after = after;
    request->limit = limit;
    const auto answer = answer_to(std::move(request), [this](waiting_request& r) { store_->list_waiting(r); });
    if (answer->failure) throw broken_promise{"listing who has messages succeeds, not: " + describe(answer->failure)};
    return std::move(answer->found);
  }

  std::optional<actor_record> load_with_parts(const actor_id& id, std::span<const std::uint32_t> collections) {
    auto request = std::make_unique<asked<load_request>>();
    request->id = id;
    request->with_parts = collections;
    return loaded(std::move(request));
  }

  /// Answers `range`.
  std::vector<part_record> parts(const parts_request& range) {
    auto request = std::make_unique<asked<parts_request>>();
    const auto done = request->done;
    static_cast<parts_request&>(*request) = range;
    request->done = done;
    const auto answer = answer_to(std::move(request), [this](parts_request& r) { store_->list_parts(r); });
    if (answer->failure) throw broken_promise{"listing parts succeeds, not: " + describe(answer->failure)};
    return std::move(answer->found);
  }

  std::vector<due_request::row> due(std::optional<due_request::place> after = {}, std::size_t limit = 1'000'000) {
    auto request = std::make_unique<asked<due_request>>();
    request->after = std::move(after);
    request->limit = limit;
    const auto answer = answer_to(std::move(request), [this](due_request& r) { store_->list_due(r); });
    if (answer->failure) throw broken_promise{"listing what is due succeeds, not: " + describe(answer->failure)};
    return std::move(answer->found);
  }

  void has(const actor_record& wanted, std::string_view promise) {
    const std::optional<actor_record> by_id = load(wanted.id);
    expect(by_id && same(*by_id, wanted), promise);
    const std::optional<actor_record> by_key = load(wanted.name, wanted.key);
    expect(by_key && same(*by_key, wanted), promise);
  }

  void has_not(const actor_record& unwanted, std::string_view promise) {
    expect(!load(unwanted.id), promise);
    const std::optional<actor_record> by_key = load(unwanted.name, unwanted.key);
    expect(!by_key || by_key->id != unwanted.id, promise);
    for (const actor_record& found : list(unwanted.name)) expect(found.id != unwanted.id, promise);
  }

  store* operator->() const noexcept { return store_.get(); }

 private:
  static void succeeds(const std::unique_ptr<asked<commit_request>>& answer) {
    if (answer->failure) throw broken_promise{"a correct commit succeeds, not: " + describe(answer->failure)};
  }

  void commit_apart(const batch& changes) {
    std::vector<std::uint64_t> ended = changes.undeliverable();
    const auto ask = [&](write_set write) {
      ended.insert(ended.end(), write.arrived.begin(), write.arrived.end());
      write.arrived = {};
      auto request = std::make_unique<asked<commit_request>>();
      request->epoch = ++epoch_;
      request->writes.push_back(write);
      succeeds(try_commit(std::move(request)));
    };
    const auto destroys = [](const write_set& w) { return w.what == write_set::action::destroy; };
    for (const write_set& w : changes.writes()) {
      if (destroys(w)) ask(w);
    }
    for (const write_set& w : changes.writes()) {
      if (!destroys(w)) ask(w);
    }
    if (!ended.empty()) succeeds(try_commit(batch{}.undeliverable(std::move(ended))));
  }

  std::optional<actor_record> loaded(std::unique_ptr<asked<load_request>> request) {
    const auto answer = answer_to(std::move(request), [this](load_request& r) { store_->load(r); });
    if (answer->failure) throw broken_promise{"loading succeeds, not: " + describe(answer->failure)};
    return std::move(answer->found);
  }

  std::unique_ptr<store> store_;
  std::uint64_t epoch_ = 0;
};

/// What one check works with. Each has definitions of its own, so that all can share one store.
class bench {
 public:
  bench(const store_factory& make, std::string name, std::uint64_t seed)
      : make{make},
        name{std::move(name)},
        random{seed},
        seed_{seed},
        milliseconds_{first_millisecond()} {}

  [[nodiscard]] actor_record actor(std::string key, std::string_view state = "state") {
    const std::uint64_t now = ++milliseconds_;
    actor_record made;
    made.id = actor_id::make(now, random(), random());
    made.name = name;
    made.key = std::move(key);
    made.initialised = true;
    made.state = to_bytes(state);
    made.created_at = to_time(now);
    return made;
  }

  [[nodiscard]] message_record message(std::uint64_t id, std::string_view body = "body") {
    const std::uint64_t now = ++milliseconds_;
    message_record made;
    made.id = id;
    made.queue = "queue";
    made.created_at = to_time(now);
    made.due_at = to_time(now + 1000);
    made.body = to_bytes(body);
    return made;
  }

  /// A message to send; its id is higher than all before in this store.
  [[nodiscard]] outgoing_request::message outgoing() {
    const std::uint64_t id = first_number() + ++numbers_;
    return {.id = id, .content = to_bytes(fmt::format("content of {}", id))};
  }

  // What comes behind these is this check's own.
  [[nodiscard]] std::uint64_t first_number() const noexcept { return seed_ << 32; }
  [[nodiscard]] actor_id first_id() const { return actor_id::make(first_millisecond(), 0, 0); }
  [[nodiscard]] std::chrono::sys_time<std::chrono::milliseconds> first_moment() const {
    return to_time(first_millisecond());
  }

  const store_factory& make;
  std::string name;
  std::mt19937_64 random;

 private:
  [[nodiscard]] std::uint64_t first_millisecond() const noexcept { return 1'700'000'000'000 + (seed_ << 24); }

  std::uint64_t seed_;
  std::uint64_t milliseconds_;
  std::uint64_t numbers_ = 0;
};

struct check {
  std::string_view name;
  void (*run)(bench&);
};

/// Those of messages, in queues and on their way.
[[nodiscard]] std::span<const check> message_checks();

/// Those of parts.
[[nodiscard]] std::span<const check> part_checks();

/// Those of a store of one commit per actor; others pass.
[[nodiscard]] std::span<const check> cut_checks();

}  // namespace store_checking
}  // namespace testing
}  // namespace v0
}  // namespace troupe
