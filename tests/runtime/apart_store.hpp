// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <troupe/core/error.hpp>
#include <troupe/store/memory_store.hpp>

#include "store/forwarding_store.hpp"

namespace behaviour {

/// A store that commits the changes of each actor by themselves. The test holds the commits of some actors, by their
/// keys, and says how they end. Copies are one store. On one thread.
class apart_store {
 public:
  using outcome = troupe::commit_request::outcome;

  /// Commits of this actor wait from now on.
  void hold(const std::string& key) { state_->held.insert(key); }
  /// The commit of this actor that waits ends so; `stored`: it is written all the same. Others wait again.
  void end(const std::string& key, outcome result, bool stored = false) {
    troupe::commit_request* const request = std::exchange(state_->waiting[key], nullptr);
    if (request == nullptr) throw std::runtime_error{"no commit of " + key + " waits"};
    state_->write(*request, result, stored);
    request->done(*request);
  }
  /// Commits of this actor happen at once again, the one that waits first.
  void let_go(const std::string& key) {
    state_->held.erase(key);
    if (waits(key)) end(key, outcome::committed);
  }
  void let_all_go() {
    for (const auto& key : std::set<std::string>{state_->held}) let_go(key);
  }
  [[nodiscard]] bool waits(const std::string& key) const { return state_->waiting[key] != nullptr; }
  /// How often a commit of the actor was asked for.
  [[nodiscard]] int attempts(const std::string& key) const { return state_->attempts[key]; }

  [[nodiscard]] std::unique_ptr<troupe::store> operator()() const {
    return std::make_unique<opened>(state_->stored(), state_);
  }

 private:
  struct shared {
    troupe::memory stored{troupe::commit_cut::per_actor};
    troupe::store* inner = nullptr;
    std::map<troupe::actor_id, std::string> keys;
    std::set<std::string> held;
    std::map<std::string, troupe::commit_request*> waiting;
    std::map<std::string, int> attempts;

    // As `result` says; the answer is the caller's to give.
    void write(troupe::commit_request& request, outcome result, bool also) {
      if (result == outcome::committed || also) {
        const auto answer = std::exchange(request.done, [](troupe::commit_request&) noexcept {});
        inner->commit(request);
        request.done = answer;
      }
      if (result == outcome::committed) return;
      request.result = result;
      request.failure = std::make_exception_ptr(troupe::error(troupe::errc::store_failed, "as the test wants it"));
    }
    std::string key_of(const troupe::commit_request& request) {
      if (request.writes.empty()) return "(messages)";
      const troupe::write_set& w = request.writes.front();
      if (w.created != nullptr) keys[w.id] = std::string{w.created->key};
      return keys[w.id];
    }
  };

  class opened final : public forwarding_store {
   public:
    opened(std::unique_ptr<troupe::store> good, std::shared_ptr<shared> s)
        : forwarding_store{std::move(good)}, shared_{std::move(s)} {
      shared_->inner = good_.get();
    }
    void commit(troupe::commit_request& request) noexcept override {
      const std::string key = shared_->key_of(request);
      ++shared_->attempts[key];
      if (shared_->held.contains(key)) {
        shared_->waiting[key] = &request;
        return;
      }
      good_->commit(request);
    }

   private:
    std::shared_ptr<shared> shared_;
  };

  std::shared_ptr<shared> state_ = std::make_shared<shared>();
};

}  // namespace behaviour
