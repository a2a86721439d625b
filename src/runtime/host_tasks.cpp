// SPDX-License-Identifier: Apache-2.0
#include "host_tasks.hpp"

#include <coroutine>
#include <utility>

#include <troupe/core/executor.hpp>
#include <troupe/core/fiber.hpp>
#include <troupe/core/work.hpp>

#include "core.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

// One coroutine, from its first line to its last.
class host_tasks::host_coroutine final : public fiber, public work {
 public:
  host_coroutine(host_tasks& all, task<> body) noexcept
      : fiber{&all.core_.exec()}, work{&host_coroutine::start}, all_{all}, body_{body.release()} {
    {
      const std::lock_guard lock{all_.mutex_};
      following = std::exchange(all_.first_, this);
      if (following != nullptr) following->previous = this;
    }
    body_.promise().owner = this;
    body_.promise().on_end = [](promise_base& p) noexcept {
      auto& self = *static_cast<host_coroutine*>(p.owner);
      self.run = &host_coroutine::finish;
      self.all_.core_.exec().post(self);  // a frame is not destroyed within its own last suspension
    };
  }
  ~host_coroutine() {
    {
      const std::lock_guard lock{all_.mutex_};
      (previous != nullptr ? previous->following : all_.first_) = following;
      if (following != nullptr) following->previous = previous;
    }
    body_.destroy();
  }

  void resume_later(work& w) noexcept override { post_batch::post(*home(), w); }
  [[nodiscard]] blocking_threads* blocking() noexcept override { return &all_.core_.blocking(); }

  host_coroutine* previous = nullptr;
  host_coroutine* following = nullptr;

 private:
  static void start(work& w) noexcept {
    auto& self = static_cast<host_coroutine&>(w);
    drive_as(self, self.body_);
  }
  static void finish(work& w) noexcept {
    auto* const self = static_cast<host_coroutine*>(&w);
    auto& core = self->all_.core_;
    if (const auto& failure = self->body_.promise().failure()) core.report(failure, "a spawned task");
    delete self;
    core.leave_busy();
  }

  host_tasks& all_;
  std::coroutine_handle<promise<void>> body_;
};

void host_tasks::spawn(task<> t) {
  core_.require_running();
  t.require_runnable("spawn");
  core_.enter_busy();
  core_.exec().post(*new host_coroutine{*this, std::move(t)});
}

void host_tasks::cancel_all() noexcept {
  const std::lock_guard lock{mutex_};
  for (host_coroutine* each = first_; each != nullptr; each = each->following) each->cancel();
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
