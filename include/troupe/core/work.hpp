#pragma once

namespace troupe::inline v0 {

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

/// A first-in first-out list of work, linked through the nodes. Not thread-safe.
class work_list {
 public:
  work_list() = default;
  work_list(work_list&& other) noexcept : first_{other.first_}, last_{other.last_} {
    other.first_ = other.last_ = nullptr;
  }
  work_list& operator=(work_list&&) = delete;

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  [[nodiscard]] work* front() const noexcept { return first_; }

  void push_back(work& w) noexcept {
    w.next = nullptr;
    (first_ == nullptr ? first_ : last_->next) = &w;
    last_ = &w;
  }
  void push_front(work& w) noexcept {
    w.next = first_;
    first_ = &w;
    if (last_ == nullptr) last_ = &w;
  }
  /// Moves all of `other` behind what is here.
  void splice(work_list&& other) noexcept {
    if (other.first_ == nullptr) return;
    (first_ == nullptr ? first_ : last_->next) = other.first_;
    last_ = other.last_;
    other.first_ = other.last_ = nullptr;
  }
  /// The first node, or null.
  work* pop_front() noexcept {
    work* const w = first_;
    if (w == nullptr) return nullptr;
    first_ = w->next;
    if (first_ == nullptr) last_ = nullptr;
    w->next = nullptr;
    return w;
  }

 private:
  work* first_ = nullptr;
  work* last_ = nullptr;
};

}  // namespace troupe::inline v0
