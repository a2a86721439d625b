// SPDX-License-Identifier: Apache-2.0
#include <troupe/core/fiber.hpp>

#include <array>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <utility>

#include "recycling.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

void spin_flag::pause() noexcept { std::this_thread::yield(); }

// Initial-exec, like all that is a thread's own and that calls look at: found without a call, for which whoever looks
// would have to save its registers. There are some hundred bytes of it.
thread_state& this_thread() noexcept {
  [[gnu::tls_model("initial-exec")]] static constinit thread_local thread_state state;
  return state;
}

void drive_on(thread_state& thread, std::coroutine_handle<> h) noexcept {
  const auto outer = std::exchange(thread.next, nullptr);
  do {
    h.resume();
    h = std::exchange(thread.next, nullptr);
  } while (h);
  thread.next = outer;
}

void drive(std::coroutine_handle<> h) noexcept {
  auto& thread = this_thread();
  fiber* const outer = thread.here;
  drive_on(thread, h);
  thread.here = outer;
}

void drive_as(fiber& f, std::coroutine_handle<> h) noexcept {
  auto& thread = this_thread();
  fiber* const outer = std::exchange(thread.here, &f);
  drive_on(thread, h);
  thread.here = outer;
}

void fiber::cancel() noexcept {
  const std::lock_guard lock{lock_};
  cancelled_.store(true, std::memory_order_relaxed);
  if (current_ != nullptr) current_->interrupt();
}

bool fiber::begin_wait(wait& w) noexcept {
  const std::lock_guard lock{lock_};
  current_ = &w;
  return !cancelled();
}

std::string fiber::describe_wait() {
  const std::lock_guard lock{lock_};
  return current_ != nullptr ? current_->describe() : std::string{};
}

void fiber::end_wait() noexcept {
  const std::lock_guard lock{lock_};
  current_ = nullptr;
}

bool wait::begin(std::coroutine_handle<> h, executor* fallback) noexcept {
  handle_ = h;
  fallback_ = fallback;
  fiber* const here = this_thread().here;
  if (here == nullptr) return true;
  fiber_ = &here->promote();
  return fiber_->begin_wait(*this);
}

void wait::end() noexcept {
  if (fiber_ == nullptr) return;
  std::exchange(fiber_, nullptr)->end_wait();
}

void wait::wake() noexcept {
  if (fiber_ != nullptr) {
    fiber_->resume_later(*this);
  } else if (fallback_ != nullptr) {
    fallback_->post(*this);
  } else {
    drive(handle_);
  }
}

void wait::continue_here() noexcept {
  auto& thread = this_thread();
  thread.here = fiber_;
  thread.next = handle_;
}

void wait::resume(work& w) noexcept {
  auto& self = static_cast<wait&>(w);
  if (self.fiber_ != nullptr) {
    drive_as(*self.fiber_, self.handle_);
  } else {
    drive(self.handle_);
  }
}

// --- blocks ---------------------------------------------------------------------------------------------------------

namespace {

#if TROUPE_RECYCLE_BLOCKS

constexpr std::size_t class_bytes = 64;
constexpr std::size_t class_count = 16;
constexpr std::size_t batch_blocks = 128;
constexpr std::size_t shared_bytes_max = std::size_t{16} << 20;  // of a class; what is more goes back

struct block {
  block* next;
  block* next_batch;
};

// Blocks often die on another thread than the one that made them, so a thread gives what it has too much of to all.
struct shared_batches {
  std::mutex mutex;
  block* first = nullptr;
  std::size_t count = 0;
};
std::array<shared_batches, class_count>& shared() noexcept {
  static auto* const batches = new std::array<shared_batches, class_count>;  // outlives every thread
  return *batches;
}

// A thread's own. Constant and trivial, so that reaching it asks nothing: it is where a stack is empty, or has no room,
// that somebody looks whether the thread begins or ends.
struct local_blocks {
  struct stack {
    block* first = nullptr;
    std::size_t room = 0;    // for as many more until there is a batch
    block* spare = nullptr;  // one full batch kept back, against ping-pong with the shared ones
  };
  std::array<stack, class_count> classes;
  bool thread_ends = false;
};
[[gnu::tls_model("initial-exec")]] constinit thread_local local_blocks local;

void free_all(block* b) noexcept {
  while (b != nullptr) ::operator delete(std::exchange(b, b->next));
}

bool thread_lives() noexcept {
  struct thread_exit_cleanup {
    ~thread_exit_cleanup() {
      for (auto& c : local.classes) {
        free_all(c.first);
        free_all(c.spare);
        c = {};
      }
      local.thread_ends = true;
    }
  };
  if (local.thread_ends) return false;
  thread_local thread_exit_cleanup at_end;
  static_cast<void>(at_end);
  return true;
}

// Out of line, so that those who may need it save no registers for its sake. So is make_room_for().
[[gnu::noinline]] void* refill(local_blocks::stack& mine, std::size_t index) {
  if (thread_lives()) {
    if (mine.spare != nullptr) {
      mine.first = std::exchange(mine.spare, nullptr);
    } else if (auto& all = shared()[index]; true) {
      const std::lock_guard lock{all.mutex};
      if (all.first != nullptr) {
        mine.first = std::exchange(all.first, all.first->next_batch);
        --all.count;
      }
    }
  }
  if (mine.first == nullptr) return ::operator new((index + 1) * class_bytes);
  mine.room = 1;
  return std::exchange(mine.first, mine.first->next);
}

bool share(block* batch, std::size_t index) noexcept {
  auto& all = shared()[index];
  const std::lock_guard lock{all.mutex};
  if (all.count >= shared_bytes_max / (batch_blocks * (index + 1) * class_bytes)) return false;
  batch->next_batch = std::exchange(all.first, batch);
  ++all.count;
  return true;
}

void keep(block& b, local_blocks::stack& mine) noexcept {
  b.next = std::exchange(mine.first, &b);
  --mine.room;
}

// Makes room for a batch that begins with this one, unless the thread keeps nothing any more.
[[gnu::noinline]] void make_room_for(void* memory, local_blocks::stack& mine, std::size_t index) noexcept {
  if (!thread_lives()) return ::operator delete(memory);
  if (mine.first != nullptr && mine.spare == nullptr) {
    mine.spare = mine.first;
  } else if (mine.first != nullptr) {
    if (!share(mine.first, index)) free_all(mine.first);
  }
  mine.first = nullptr;
  mine.room = batch_blocks;
  keep(*static_cast<block*>(memory), mine);
}

#endif

}  // namespace

void* allocate_block(std::size_t size) {
#if TROUPE_RECYCLE_BLOCKS
  if (const std::size_t index = (size - 1) / class_bytes; index < class_count) {
    auto& mine = local.classes[index];
    if (mine.first == nullptr) [[unlikely]]
      return refill(mine, index);
    ++mine.room;
    return std::exchange(mine.first, mine.first->next);
  }
#endif
  return ::operator new(size);
}

void release_block(void* memory, [[maybe_unused]] std::size_t size) noexcept {
#if TROUPE_RECYCLE_BLOCKS
  if (const std::size_t index = (size - 1) / class_bytes; index < class_count) {
    auto& mine = local.classes[index];
    if (mine.room == 0) [[unlikely]]
      return make_room_for(memory, mine, index);
    keep(*static_cast<block*>(memory), mine);
    return;
  }
#endif
  ::operator delete(memory);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
