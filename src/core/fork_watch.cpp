// SPDX-License-Identifier: Apache-2.0
#include "fork_watch.hpp"

#include <mutex>
#include <vector>

#include <pthread.h>

namespace troupe {
inline namespace v0 {
namespace detail {

// All of the process. The thread that forks holds the lock meanwhile, in the child as well.
struct fork_watches {
  static inline constinit std::mutex mutex;
  using list = intrusive_list<fork_watch, &fork_watch::link_>;
  static inline constinit list all;

  static void before() noexcept { mutex.lock(); }
  static void in_parent() noexcept { mutex.unlock(); }
  static void in_child() noexcept {
    for (fork_watch* each = all.first(); each != nullptr; each = list::next(*each)) {
      if (each->in_child_.exchange(true, std::memory_order_relaxed)) continue;  // of a child's child
      each->handler_(each->owner_);
    }
    mutex.unlock();
  }
};

fork_watch::fork_watch(handler in_child, void* owner) noexcept : handler_{in_child}, owner_{owner} {
  static std::once_flag once;
  std::call_once(once, [] {
    ::pthread_atfork(&fork_watches::before, &fork_watches::in_parent, &fork_watches::in_child);
  });
  const std::lock_guard lock{fork_watches::mutex};
  fork_watches::all.push_front(*this);
}

fork_watch::~fork_watch() {
  const std::lock_guard lock{fork_watches::mutex};
  fork_watches::all.remove(*this);
}

void keep_for_ever(std::shared_ptr<void> object) noexcept {
  static std::mutex mutex;
  static auto* const kept = new std::vector<std::shared_ptr<void>>;
  const std::lock_guard lock{mutex};
  kept->push_back(std::move(object));
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
