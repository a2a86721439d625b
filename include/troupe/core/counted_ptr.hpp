// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

namespace troupe {
inline namespace v0 {
namespace detail {

/// A counted pointer to an object that counts itself, with retain() and release().
template <class T>
class counted_ptr {
 public:
  counted_ptr() noexcept = default;
  explicit counted_ptr(T& object) noexcept : object_{&object} { object.retain(); }
  counted_ptr(const counted_ptr& other) noexcept : object_{other.object_} {
    if (object_ != nullptr) object_->retain();
  }
  counted_ptr(counted_ptr&& other) noexcept : object_{std::exchange(other.object_, nullptr)} {}
  counted_ptr& operator=(counted_ptr other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~counted_ptr() {
    if (object_ != nullptr) object_->release();
  }
  /// Takes over a reference.
  [[nodiscard]] static counted_ptr adopt(T* object) noexcept {
    counted_ptr c;
    c.object_ = object;
    return c;
  }

  [[nodiscard]] T* get() const noexcept { return object_; }
  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  [[nodiscard]] explicit operator bool() const noexcept { return object_ != nullptr; }

 private:
  T* object_ = nullptr;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
