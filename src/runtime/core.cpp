#include "core.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <fmt/format.h>

#include <troupe/core/assert.hpp>
#include <troupe/core/error.hpp>

#include "../core/planted.hpp"
#include "../core/text_of.hpp"
#include "blocked.hpp"
#include "lifecycle.hpp"
#include "observing.hpp"
#include "queues.hpp"
#include "store_limits.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

// Work that was cut off has this long to end, and then work that came late: see `shutdown_overrun_max`.
constexpr std::chrono::nanoseconds cut_off_limit = shutdown_overrun_max / 2;

// A clock that shows no later time after this stands still.
constexpr std::chrono::milliseconds frozen_clock_limit{200};

std::shared_ptr<executor> executor_of(const runtime_options& options) {
  return options.executor ? options.executor : std::make_shared<thread_pool>(options.threads);
}

void log_to_stderr(log_level level, std::string_view line) {
  if (level < log_level::warning) return;
  std::fputs(fmt::format("troupe: {}: {}\n", level == log_level::error ? "error" : "warning", line).c_str(), stderr);
}

// Marks the thread that calls a function of the host's, one at a time.
class telling {
 public:
  telling(std::mutex& m, std::atomic<const void*>& by) noexcept : lock_{m}, by_{by} {
    by_.store(&this_thread(), std::memory_order_relaxed);
  }
  telling(const telling&) = delete;
  telling& operator=(const telling&) = delete;
  ~telling() { by_.store(nullptr, std::memory_order_relaxed); }

 private:
  const std::lock_guard<std::mutex> lock_;
  std::atomic<const void*>& by_;
};

struct cell_order final : work {
  using handler = void (*)(cell&) noexcept;
  cell_order(cell& c, handler h) noexcept : work{&cell_order::deliver}, target{c}, obey{h} {}
  static void deliver(work& w) noexcept {
    auto* const self = static_cast<cell_order*>(&w);
    cell& c = self->target;
    const auto obey = self->obey;
    delete self;
    obey(c);
    c.release();  // not the last: an actor that is awake keeps its cell
  }
  cell& target;
  handler obey;
};

}  // namespace

// A coroutine of the host, from its first line to its last.
class host_coroutine final : public fiber, public work {
 public:
  host_coroutine(runtime_core& core, task<> body) noexcept
      : fiber{&core.exec()}, work{&host_coroutine::start}, core_{core}, body_{body.release()} {
    {
      const std::lock_guard lock{core.idle_mutex_};
      following = std::exchange(core.coroutines_, this);
      if (following != nullptr) following->previous = this;
    }
    body_.promise().owner = this;
    body_.promise().on_end = [](promise_base& p) noexcept {
      auto& self = *static_cast<host_coroutine*>(p.owner);
      self.run = &host_coroutine::finish;
      self.core_.exec().post(self);  // a frame is not destroyed within its own last suspension
    };
  }
  ~host_coroutine() {
    {
      const std::lock_guard lock{core_.idle_mutex_};
      (previous != nullptr ? previous->following : core_.coroutines_) = following;
      if (following != nullptr) following->previous = previous;
    }
    body_.destroy();
  }

  void resume_later(work& w) noexcept override { post_batch::post(core_.exec(), w); }

  host_coroutine* previous = nullptr;
  host_coroutine* following = nullptr;

 private:
  static void start(work& w) noexcept {
    auto& self = static_cast<host_coroutine&>(w);
    drive_as(self, self.body_);
  }
  static void finish(work& w) noexcept {
    auto* const self = static_cast<host_coroutine*>(&w);
    if (const auto& failure = self->body_.promise().failure()) self->core_.report(failure, "a spawned task");
    auto& core = self->core_;
    delete self;
    core.leave_busy();
  }

  runtime_core& core_;
  std::coroutine_handle<promise<void>> body_;
};

namespace {

// Finds the cell of an actor that is known by its id only.
struct location final : load_request {
  location(runtime_core& c, invocation& i) noexcept : core{c}, inv{i} {
    id = i.origin->id;
    done = [](load_request& r) noexcept {
      const std::unique_ptr<location> self{&static_cast<location&>(r)};
      self->arrived();
    };
    core.enter_busy();
  }
  ~location() { core.leave_busy(); }
  location(const location&) = delete;
  location& operator=(const location&) = delete;

  void arrived() noexcept {
    const definition& type = *inv.origin->type;
    if (failure) return core.refuse(inv, failure);
    if (!found || found->name != type.name) {
      return core.refuse(inv, std::make_exception_ptr(
                                  error(errc::not_found, fmt::format("{} {}", type.name, inv.origin->id.str()))));
    }
    try {
      cell& c = core.cells().at(type, troupe::key::parse(found->key));
      inv.target = &c;
      try {
        if (!inv.must_arrive) {
          c.count_in();
          inv.counted = true;
        }
        c.push(inv);
      } catch (...) {
        core.refuse(inv, std::current_exception());
      }
      c.release();
    } catch (...) {
      core.refuse(inv, std::current_exception());
    }
  }

  runtime_core& core;
  invocation& inv;
};

}  // namespace

runtime_core::runtime_core(const registry& served, runtime_options options)
    : options_{std::move(options)},
      definitions_{served.definitions()},
      executor_{executor_of(options_)},
      random_{options_.random ? options_.random : std::make_shared<system_random>()},
      store_{options_.store()},
      committer_{*this, *executor_, options_},
      ids_{executor_->clock(), *random_, store_->opening()},
      delays_{*executor_, ids_} {
  for (const auto& each : definitions_) check_fits_store(*each, store_->value_bytes_max());
  directory_.serve(*this, definitions_, committer_.seen_by_calls());
}

runtime_core::~runtime_core() { turn_watch::instance().leave(*this); }

void runtime_core::begin() {
  if (executor_->clock().runs_by_itself() && least_long_turn() != troupe::never) {
    turn_watch::instance().join(*this);
    is_watched_ = true;
  }
  alarms_.begin(definitions_);
  if (std::ranges::any_of(definitions_, [](const auto& d) { return !d->queues.empty(); })) parcels_.begin();
}

std::chrono::nanoseconds runtime_core::least_long_turn() const noexcept {
  std::chrono::nanoseconds least = troupe::never;
  for (const auto& d : definitions_) least = std::min(least, d->options.long_turn);
  return least;
}

const definition& runtime_core::find(const void* type) const {
  for (const auto& d : definitions_) {
    if (d->type == type) return *d;
  }
  throw error(errc::not_registered, fmt::format("the struct {0}; add registry.use<{0}>(\"name\")",
                                                *static_cast<const std::string_view*>(type)));
}

const definition* runtime_core::find(std::string_view name) const noexcept {
  for (const auto& d : definitions_) {
    if (d->name == name) return d.get();
  }
  return nullptr;
}

std::vector<std::string_view> runtime_core::names() const {
  std::vector<std::string_view> all;
  all.reserve(definitions_.size());
  for (const auto& d : definitions_) all.emplace_back(d->name);
  return all;
}

void runtime_core::refuse_stopped() const {
  if (!forked()) throw error(errc::runtime_stopped, killed_by_);
  throw error(errc::runtime_stopped,
              "this process was forked from the one that runs it; make a runtime of its own after the fork");
}

bool runtime_core::needs_this_thread() const noexcept {
  const auto& thread = this_thread();
  if (executor_->on_worker() || reporting_.load(std::memory_order_relaxed) == &thread) return true;
  for (const turn* t = thread.in_turn; t != nullptr; t = t->outer) {
    if (&t->where->core() == this) return true;
  }
  return false;
}

// First thing in a forked child. Calls that would change something do not begin on the caller's thread any more.
void runtime_core::enter_child(void* self) noexcept {
  auto& core = *static_cast<runtime_core*>(self);
  core.stopping_.store(true, std::memory_order_relaxed);
  core.committer_.refuse_changes();
}

void runtime_core::locate(invocation& inv) noexcept {
  if (inv.origin->type->options.durability == durability::ephemeral) {
    return refuse(inv, std::make_exception_ptr(error(errc::not_found, inv.origin->name())));
  }
  auto& request = *new location{*this, inv};
  if (comes_late()) [[unlikely]] {
    request.failure = std::make_exception_ptr(error(errc::runtime_stopped, interrupted(inv.origin->name())));
    return request.done(request);
  }
  loader_.add(request);
}

void runtime_core::refuse(invocation& inv, std::exception_ptr why) noexcept {
  if (std::exchange(inv.counted, false) && !is_planted(planted::refused_call_counted)) inv.target->count_out();
  if (inv.must_arrive && parcels_.keep(static_cast<enqueuing&>(inv), why)) return;
  tell(*this, [&](observer& o) {
    o.call_refused(inv.origin != nullptr ? seen(*inv.origin) : seen(*inv.target), inv.what(), why);
  });
  inv.failure = std::move(why);
  inv.dependency = 0;
  deliver(inv);
}

void runtime_core::deliver(invocation& inv) noexcept {
  if (inv.posted) {
    if (inv.failure && !inv.quiet) {
      report(inv.failure, fmt::format("{} in {}", inv.what(), inv.target != nullptr ? inv.target->name()
                                                                                    : inv.origin->name()));
    }
    return inv.release();
  }
  const bool gated = inv.from_host && inv.origin->type->options.durability == durability::committed &&
                     !is_planted(planted::gate_dropped);
  if (!gated || committer_.is_durable(inv.dependency)) {
    inv.answer();
    return inv.release();
  }
  inv.at_gate.store(true, std::memory_order_release);
  inv.opened = &reply::pass_gate;
  committer_.when_durable(inv.dependency - (is_planted(planted::ack_before_commit) ? 1 : 0), inv);
}

// --- reports --------------------------------------------------------------------------------------------------------

void runtime_core::report(const std::exception_ptr& failure, std::string_view where) noexcept {
  if (killed_) return;
  errors_.fetch_add(1, std::memory_order_relaxed);
  if (!options_.on_error) return log(log_level::error, fmt::format("{}: {}", where, text_of(failure)));
  const telling host{report_mutex_, reporting_};
  options_.on_error(failure, where);
}

void runtime_core::log(log_level level, std::string_view line) noexcept {
  const telling host{report_mutex_, reporting_};
  options_.logger ? options_.logger(level, line) : log_to_stderr(level, line);
}

runtime_health runtime_core::health() const {
  runtime_health h;
  if (forked()) {
    h.store_ok = h.accepts_changes = false;
    h.store_error = "this process was forked from the one that runs the runtime";
    return h;
  }
  committer_.report(h);
  h.awake = directory_.awake();
  h.held = directory_.size();
  h.errors = errors_.load(std::memory_order_relaxed);
  return h;
}

// --- end ------------------------------------------------------------------------------------------------------------

void runtime_core::leave_busy() noexcept {
  auto before = busy_.load(std::memory_order_relaxed);
  while (before > 1) {
    if (busy_.compare_exchange_weak(before, before - 1, std::memory_order_acq_rel)) return;
  }
  // Under the lock, so that shutdown does not see the last one leave before it has left.
  const std::lock_guard lock{idle_mutex_};
  busy_.fetch_sub(1, std::memory_order_acq_rel);
  idle_.notify_all();
}

void runtime_core::notify() noexcept {
  const std::lock_guard lock{idle_mutex_};
  idle_.notify_all();
}

runtime_core::limit runtime_core::limit_in(std::chrono::nanoseconds duration) const noexcept {
  return {moment_after(executor_->now(), duration), moment_after(std::chrono::steady_clock::now(), duration)};
}

bool runtime_core::wait_until(const std::function<bool()>& done, limit until) {
  constexpr std::chrono::milliseconds look_round{20};
  for (;;) {
    {
      std::unique_lock lock{idle_mutex_};
      if (done()) return true;
      if (executor_->now() >= until.by_executor || std::chrono::steady_clock::now() >= until.by_machine) return false;
    }
    if (executor_->help(look_round)) {
      if (executor_->exhausted()) return done();
      continue;
    }
    std::unique_lock lock{idle_mutex_};
    idle_.wait_for(lock, look_round, done);
  }
}

void runtime_core::order(cell& c, void (*obey)(cell&) noexcept) {
  c.retain();
  c.push(*new cell_order{c, obey});
}

void runtime_core::order_all(void (*obey)(cell&) noexcept) noexcept {
  for (cell* c : directory_.all()) {
    order(*c, obey);
    c->release();
  }
}

bool runtime_core::put_all_to_sleep() noexcept {
  const auto all_asleep = [this] { return busy_.load(std::memory_order_acquire) == 0; };
  const auto begun = executor_->now();
  const auto whole = options_.shutdown_limit;
  const auto end = limit_in(whole);
  const auto last_call = limit_in(whole - whole / 4);
  order_all(&lifecycle::stop_now);
  bool asleep = wait_until(all_asleep, limit_in(std::min<std::chrono::nanoseconds>(whole, frozen_clock_limit)));
  // A manual clock that nobody moves: no grace period will ever end by itself.
  if (!asleep && executor_->now() == begun) order_all(&lifecycle::cut_short);
  asleep = asleep || wait_until(all_asleep, last_call);
  if (!asleep) order_all(&lifecycle::cut_short);
  return (asleep || wait_until(all_asleep, end)) && wait_until([this] { return committer_.is_idle(); }, end);
}

bool runtime_core::shutdown() noexcept {
  if (stopping_.exchange(true)) return true;
  directory_.stop();
  alarms_.stop();
  parcels_.stop();
  const bool complete = put_all_to_sleep();
  if (!complete) {
    log(log_level::error,
        fmt::format("shutdown: some actors, spawned tasks or commits did not end within {} ms "
                    "(runtime_options::shutdown_limit); what they had not saved is lost{}",
                    std::chrono::ceil<std::chrono::milliseconds>(options_.shutdown_limit).count(),
                    directory_.not_asleep()));
    committer_.abandon("the runtime was shut down before the store had confirmed all changes");
    cancel_coroutines();
    wait_until([this] { return busy_.load(std::memory_order_acquire) == 0 && committer_.is_idle(); },
               limit_in(cut_off_limit));
  }
  end();
  return complete;
}

void runtime_core::cancel_coroutines() noexcept {
  const std::lock_guard lock{idle_mutex_};
  for (host_coroutine* each = coroutines_; each != nullptr; each = each->following) each->cancel();
}

bool runtime_core::kill(std::string_view how) noexcept {
  killed_by_ = how;
  killed_ = true;
  stopping_ = true;
  directory_.stop();
  alarms_.stop();
  parcels_.stop();
  committer_.abandon(how);
  cancel_coroutines();
  for (cell* c : directory_.all()) {
    order(*c, &lifecycle::stop_now);
    order(*c, &lifecycle::cut_short);
    c->release();
  }
  constexpr std::chrono::seconds kill_limit{10};
  const bool ended = wait_until(
      [this] { return busy_.load(std::memory_order_acquire) == 0 && committer_.is_idle(); }, limit_in(kill_limit));
  end();
  return ended;
}

void runtime_core::end() noexcept {
  if (stopped_) return;
  turn_watch::instance().leave(*this);
  // Whoever comes from now on sees this; who has not seen it is seen here.
  ending_.store(true, std::memory_order_seq_cst);
  wait_until([this] { return busy_.load(std::memory_order_seq_cst) == 0; }, limit_in(cut_off_limit));
  // The lane runs in order: behind this, nothing of ours is on it.
  struct last_job final : work {
    explicit last_job(executor& e) noexcept : work{&last_job::run_it}, thread{e} {}
    static void run_it(work& w) noexcept { static_cast<last_job&>(w).thread.notify(); }
    blocked_thread thread;
  } last{*executor_};
  executor_->post_blocking(last);
  last.thread.wait();
  if (!options_.executor) executor_->stop();
  store_->close();
  waits_.clear();
  stopped_.store(true, std::memory_order_release);
}

void runtime_core::spawn(task<> t) {
  require_running();
  t.require_runnable("spawn");
  enter_busy();
  executor_->post(*new host_coroutine{*this, std::move(t)});
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
