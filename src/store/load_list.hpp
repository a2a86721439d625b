// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include <troupe/store/store.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// Requests, linked by their `next`, in the order of arrival. Not thread-safe.
class load_list {
 public:
  load_list() = default;
  /// `first`, and those to which it leads.
  explicit load_list(load_request& first) noexcept : first_{&first}, last_{&first} {
    while (last_->next != nullptr) last_ = last_->next;
  }
  load_list(load_list&& other) noexcept
      : first_{std::exchange(other.first_, nullptr)}, last_{std::exchange(other.last_, nullptr)} {}
  load_list& operator=(load_list&&) = delete;

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  [[nodiscard]] load_request* first() const noexcept { return first_; }
  [[nodiscard]] bool has_one() const noexcept { return first_ != nullptr && first_ == last_; }

  void push_back(load_request& r) noexcept {
    r.next = nullptr;
    (first_ == nullptr ? first_ : last_->next) = &r;
    last_ = &r;
  }
  void push_back(load_list&& more) noexcept {
    if (more.first_ == nullptr) return;
    (first_ == nullptr ? first_ : last_->next) = std::exchange(more.first_, nullptr);
    last_ = more.last_;
  }
  /// Null if there is none.
  load_request* pop_front() noexcept {
    load_request* const r = first_;
    if (r != nullptr) first_ = std::exchange(r->next, nullptr);
    return r;
  }

 private:
  load_request* first_ = nullptr;
  load_request* last_ = nullptr;  ///< if there is a first
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
