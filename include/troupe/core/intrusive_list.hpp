// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include <troupe/core/assert.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// The place of an object in an `intrusive_list`. Both are null while it is in none.
template <class T>
struct list_link {
  T* previous = nullptr;  ///< of the first one: the last
  T* next = nullptr;
};

/// A list of objects that bring their own links, so that nothing is allocated, and an object in the middle leaves in
/// constant time. The list does not own them: each stays where it is until it is removed. Not thread-safe.
template <class T, list_link<T> T::*Link>
class intrusive_list {
 public:
  constexpr intrusive_list() noexcept = default;
  intrusive_list(const intrusive_list&) = delete;
  intrusive_list& operator=(const intrusive_list&) = delete;

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  [[nodiscard]] T* first() const noexcept { return first_; }
  /// Null behind the last.
  [[nodiscard]] static T* next(const T& each) noexcept { return (each.*Link).next; }
  /// Whether an object is in a list by this link.
  [[nodiscard]] static bool has(const T& each) noexcept { return (each.*Link).previous != nullptr; }

  void push_front(T& one) noexcept {
    TROUPE_ASSERT(!has(one), "an object is in one list by one link");
    list_link<T>& link = one.*Link;
    link.next = first_;
    link.previous = first_ == nullptr ? &one : std::exchange((first_->*Link).previous, &one);
    first_ = &one;
  }
  void push_back(T& one) noexcept {
    T* const before = first_;
    push_front(one);
    if (before == nullptr) return;
    // The links make a ring but for the last `next`: a turn of the ring makes the first one the last.
    list_link<T>& link = one.*Link;
    first_ = before;
    (link.previous->*Link).next = &one;
    link.next = nullptr;
  }
  void remove(T& one) noexcept {
    TROUPE_ASSERT(has(one), "an object leaves the list that it is in");
    list_link<T>& link = one.*Link;
    ((link.next == nullptr ? first_ : link.next)->*Link).previous = link.previous;
    (first_ == &one ? first_ : (link.previous->*Link).next) = link.next;
    link = {};
  }

 private:
  T* first_ = nullptr;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
