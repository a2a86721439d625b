// SPDX-License-Identifier: Apache-2.0
#include <troupe/runtime/runtime.hpp>

#include <utility>

#include <troupe/client/client.hpp>
#include <troupe/core/error.hpp>

#include "../runtime/assembly.hpp"
#include "../runtime/blocked.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

// A coroutine that a plain thread waits for.
class awaited_coroutine final : public fiber, public work {
 public:
  awaited_coroutine(runtime_core& core, std::coroutine_handle<> h, promise_base& p) noexcept
      : fiber{&core.exec()}, work{&awaited_coroutine::start}, core_{core}, thread_{core.exec()}, handle_{h} {
    p.owner = this;
    p.on_end = [](promise_base& ended) noexcept { static_cast<awaited_coroutine*>(ended.owner)->end(); };
  }
  void resume_later(work& w) noexcept override { post_batch::post(*home(), w); }
  [[nodiscard]] blocking_threads* blocking() noexcept override { return &core_.blocking(); }
  void wait() noexcept {
    home()->post(*this);
    thread_.wait();
  }

 private:
  static void start(work& w) noexcept {
    auto& self = static_cast<awaited_coroutine&>(w);
    drive_as(self, self.handle_);
  }
  // Posted, so that the coroutine has really stopped when the thread destroys it.
  void end() noexcept {
    run = [](work& w) noexcept { static_cast<awaited_coroutine&>(w).thread_.notify(); };
    home()->post(*this);
  }

  runtime_core& core_;
  blocked_thread thread_;
  std::coroutine_handle<> handle_;
};

}  // namespace
}  // namespace detail

runtime::runtime(const registry& served, runtime_options options)
    : core_{std::make_shared<detail::runtime_assembly>(served, std::move(options))},
      client_{std::make_unique<const troupe::client>(core_)} {
  // Does not own: actors do not outlive the core.
  const std::shared_ptr<detail::runtime_core> not_owning{std::shared_ptr<void>{}, core_.get()};
  core_->serve(not_owning, std::make_shared<const troupe::client>(not_owning));
  core_->begin();
}

runtime::~runtime() {
  if (core_->forked()) {
    detail::keep_for_ever(core_);
    return;
  }
  if (!core_->has_ended() && core_->needs_this_thread()) {
    detail::misused(
        "a runtime is destroyed by one of its own actors, coroutines, handlers or threads, and would wait for itself; "
        "let a thread that is not the runtime's destroy it");
  }
  shutdown();
}

void runtime::shutdown() {
  if (core_->forked()) return;
  if (core_->has_ended()) return;
  if (core_->needs_this_thread()) {
    throw error(errc::invalid_operation,
                "a runtime cannot be shut down by one of its own actors, coroutines, handlers or threads: it would "
                "wait for itself");
  }
  const detail::plain_thread waiting;
  core_->shutdown();
}

void runtime::spawn(task<> t) { core_->spawn(std::move(t)); }

std::size_t runtime::poll() {
  auto* const manual = core_->pumped();
  return manual != nullptr && !core_->forked() ? manual->poll() : 0;
}

std::size_t runtime::poll_for(std::chrono::nanoseconds limit) {
  auto* const manual = core_->pumped();
  return manual != nullptr && !core_->forked() ? manual->poll_for(limit) : 0;
}

runtime_health runtime::health() const { return core_->health(); }

void runtime::backup(const std::string& path) {
  core_->require_running();
  core_->stored().backup(path);
}

void runtime::run_coroutine(std::coroutine_handle<> h, detail::promise_base& p) {
  core_->require_running();
  if (detail::must_not_block(core_->exec())) {
    throw error(errc::invalid_operation,
                "blocking on a task inside a coroutine would stall others; co_await it instead");
  }
  detail::awaited_coroutine waiting{*core_, h, p};
  waiting.wait();
}

}  // namespace v0
}  // namespace troupe
