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
class host_tasks::host_coroutine final : public member, public work {
 public:
  host_coroutine(host_tasks& all, task<> body) noexcept
      : member{&all.core_.exec()}, work{&host_coroutine::start}, all_{all}, body_{body.release()} {
    {
      const std::lock_guard lock{all_.mutex_};
      all_.running_.push_front(*this);
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
      all_.running_.remove(*this);
    }
    body_.destroy();
  }

  void resume_later(work& w) noexcept override { post_batch::post(*home(), w); }
  [[nodiscard]] blocking_threads* blocking() noexcept override { return &all_.core_.blocking(); }

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
  for (member* each = running_.first(); each != nullptr; each = member_list::next(*each)) each->cancel();
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
