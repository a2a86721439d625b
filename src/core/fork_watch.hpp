// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>

#include <troupe/core/intrusive_list.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// Calls its owner first thing in the child of a `fork`, where the owner has none of its threads. Not told of children
/// that are made without the C library's `fork`, nor of those that run another program at once (`posix_spawn`).
///
/// Making and destroying one is serialised with forks and with others'.
class fork_watch {
 public:
  using handler = void (*)(void* owner) noexcept;

  /// `in_child(owner)` is called in each child, with the restrictions of a signal handler.
  fork_watch(handler in_child, void* owner) noexcept;
  ~fork_watch();
  fork_watch(const fork_watch&) = delete;
  fork_watch& operator=(const fork_watch&) = delete;

  /// Whether this process is a child that was forked since this object was made.
  [[nodiscard]] bool in_child() const noexcept { return in_child_.load(std::memory_order_relaxed); }

 private:
  friend struct fork_watches;

  handler handler_;
  void* owner_;
  std::atomic<bool> in_child_{false};
  list_link<fork_watch> link_;
};

/// In a forked child: keeps an object that must not be destroyed, since its threads and locks are the parent's.
void keep_for_ever(std::shared_ptr<void> object) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace troupe
