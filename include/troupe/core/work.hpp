// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

namespace troupe {
inline namespace v0 {

/// Something to run once, as an intrusive list node: whoever posts it keeps it alive until `run` is called, and may
/// reuse or free it from then on.
struct work {
  using function = void (*)(work&) noexcept;

  work() = default;
  explicit work(function f) noexcept : run{f} {}
  work(const work&) = delete;
  work& operator=(const work&) = delete;

  work* next = nullptr;
  function run = nullptr;
  void* context = nullptr;  ///< for the queue that holds it; see `detail::invocation::resume_later`

 protected:
  ~work() = default;
};

/// A first-in first-out list of work, linked through the nodes to a ring: who takes from it does so by pop_front(),
/// because `next` leads from the last to the first again. Not thread-safe.
class work_list {
 public:
  work_list() = default;
  work_list(work_list&& other) noexcept : last_{std::exchange(other.last_, nullptr)} {}
  work_list& operator=(work_list&&) = delete;

  [[nodiscard]] bool empty() const noexcept { return last_ == nullptr; }
  [[nodiscard]] work* front() const noexcept { return last_ == nullptr ? nullptr : last_->next; }

  void push_back(work& w) noexcept {
    push_front(w);
    last_ = &w;
  }
  void push_front(work& w) noexcept {
    if (last_ == nullptr) {
      last_ = w.next = &w;
    } else {
      w.next = std::exchange(last_->next, &w);
    }
  }
  /// Moves all of `other` behind what is here.
  void splice(work_list&& other) noexcept {
    if (other.last_ == nullptr) return;
    if (last_ != nullptr) std::swap(last_->next, other.last_->next);
    last_ = std::exchange(other.last_, nullptr);
  }
  /// The first node, or null.
  work* pop_front() noexcept {
    if (last_ == nullptr) return nullptr;
    work* const w = std::exchange(last_->next, last_->next->next);
    if (w == last_) last_ = nullptr;
    w->next = nullptr;
    return w;
  }

 private:
  work* last_ = nullptr;  ///< and its `next` is the first
};

}  // namespace v0
}  // namespace troupe
