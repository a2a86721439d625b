// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <troupe/store/store.hpp>

/// A store before another. Stores that break a promise, or watch what is asked, are derived from it.
class forwarding_store : public troupe::store {
 public:
  explicit forwarding_store(std::unique_ptr<troupe::store> good) : good_{std::move(good)} {}
  void load(troupe::load_request& request) noexcept override { good_->load(request); }
  void list(troupe::list_request& request) noexcept override { good_->list(request); }
  void list_outgoing(troupe::outgoing_request& request) noexcept override { good_->list_outgoing(request); }
  void list_waiting(troupe::waiting_request& request) noexcept override { good_->list_waiting(request); }
  void list_parts(troupe::parts_request& request) noexcept override { good_->list_parts(request); }
  void list_due(troupe::due_request& request) noexcept override { good_->list_due(request); }
  [[nodiscard]] std::uint64_t opening() const noexcept override { return good_->opening(); }
  void commit(troupe::commit_request& request) noexcept override { good_->commit(request); }
  [[nodiscard]] troupe::store_traits traits() const noexcept override { return good_->traits(); }
  void backup(const std::string& path) override { good_->backup(path); }
  void close() noexcept override { good_->close(); }

 protected:
  /// Commits, and leaves the answer in `request`.
  void commit_quietly(troupe::commit_request& request) noexcept {
    const auto answer = std::exchange(request.done, [](troupe::commit_request&) noexcept {});
    good_->commit(request);
    request.done = answer;
  }

  std::unique_ptr<troupe::store> good_;
};

/// Makes stores of this class before those that `good` makes.
template <class Store>
troupe::store_factory before_each(troupe::store_factory good) {
  return [good = std::move(good)] { return std::make_unique<Store>(good()); };
}
