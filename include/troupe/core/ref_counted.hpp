// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

namespace troupe {
inline namespace v0 {
namespace detail {

/// The base of an object that counts its references, for `counted_ptr`. It is made with one reference, its maker's, and
/// is deleted with the last one. From any thread. A class whose destructor is not public has this base as a friend.
template <class T>
class ref_counted {
 public:
  ref_counted(const ref_counted&) = delete;
  ref_counted& operator=(const ref_counted&) = delete;

  void retain() const noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  /// All that this thread wrote to the object is seen by the thread that deletes it.
  void release() const noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete static_cast<const T*>(this);
  }

 protected:
  ref_counted() noexcept = default;
  ~ref_counted() = default;

 private:
  mutable std::atomic<std::uint32_t> references_{1};
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
