// SPDX-License-Identifier: Apache-2.0
#include "blocking_pool.hpp"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <troupe/core/assert.hpp>
#include <troupe/core/error.hpp>
#include <troupe/core/fiber.hpp>
#include <troupe/core/intrusive_list.hpp>
#include <troupe/core/work.hpp>
#include <troupe/runtime/cell.hpp>
#include <troupe/runtime/turn.hpp>

#include "activity.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

// A thread that has had nothing to do for so long ends.
constexpr std::chrono::seconds idle_limit{10};

std::string name_of_caller() {
  const turn* const t = this_thread().in_turn;
  if (t == nullptr) return "a coroutine of the host";
  return t->inv != nullptr ? fmt::format("{} in {}", t->inv->what(), t->where->name()) : t->where->name();
}

}  // namespace

class blocking_pool::shared : public std::enable_shared_from_this<shared> {
 public:
  shared(const executor& exec, activity& runs, std::size_t threads_max)
      : exec_{exec}, runs_{&runs}, threads_max_{threads_max} {}

  /// Has one of the threads run it. This and the next take over a reference of a job that the runtime is busy with.
  void add(blocking_job& job) noexcept {
    {
      const std::lock_guard lock{mutex_};
      TROUPE_ASSERT(runs_ != nullptr, "nothing begins a blocking function when the runtime has ended");
      waiting_.push_back(job);
      ++waits_;
      const bool is_one_idle = waits_ <= idle_;
      if (is_one_idle || threads_ == threads_max_ || start_thread() || threads_ != 0) return posted_.notify_one();
      remove(job);
    }
    job.refuse(std::make_exception_ptr(
        error(errc::overloaded, fmt::format("a blocking function of {}: the system has no thread to give", job.name))));
    leave(job);
  }

  /// Takes a job out that waits no longer. Its coroutine has a reference, so that nothing is freed here.
  void forget(blocking_job& job) noexcept {
    {
      const std::lock_guard lock{mutex_};
      if (!waiting_list::has(job)) return;
      remove(job);
    }
    leave(job);
  }

  /// Runs it on the calling thread.
  void run(blocking_job& job) noexcept {
    {
      const std::lock_guard lock{mutex_};
      running_.push_back(&job);
    }
    finish(job);
  }

  [[nodiscard]] std::string names_of_running() const {
    const std::lock_guard lock{mutex_};
    std::string all;
    for (const blocking_job* each : running_) all += "\n  a blocking function of " + each->name;
    return all;
  }

  void end() noexcept {
    std::unique_lock lock{mutex_};
    runs_ = nullptr;
    while (blocking_job* const job = waiting_.first()) {
      remove(*job);
      lock.unlock();
      job->refuse(std::make_exception_ptr(error(errc::runtime_stopped, "a blocking function of " + job->name)));
      job->release();
      lock.lock();
    }
    posted_.notify_all();
    thread_ended_.wait(lock, [this] { return threads_ <= running_.size(); });
  }

 private:
  using waiting_list = intrusive_list<blocking_job, &blocking_job::waiting>;

  // With the lock.
  void remove(blocking_job& job) noexcept {
    waiting_.remove(job);
    --waits_;
  }
  // With the lock.
  [[nodiscard]] bool start_thread() noexcept {
    try {
      std::thread{[self = shared_from_this()] { self->loop(); }}.detach();
    } catch (const std::exception&) {
      return false;
    }
    ++threads_;
    return true;
  }

  void loop() noexcept {
    ::pthread_setname_np(::pthread_self(), "troupe-blocking");
    // A function may not wait for the runtime's actors, nor for its end: simulations have one thread for all of them.
    const working running{this_thread(), exec_};
    while (blocking_job* const job = next()) finish(*job);
  }

  // A job that counts as running from now on. Null: the thread ends.
  [[nodiscard]] blocking_job* next() noexcept {
    std::unique_lock lock{mutex_};
    ++idle_;
    posted_.wait_for(lock, idle_limit, [this] { return waits_ != 0 || runs_ == nullptr; });
    --idle_;
    if (blocking_job* const job = waiting_.first(); job != nullptr) {
      remove(*job);
      running_.push_back(job);
      return job;
    }
    --threads_;
    thread_ended_.notify_all();
    return nullptr;
  }

  void finish(blocking_job& job) noexcept {
    job.run_now();
    {
      const std::lock_guard lock{mutex_};
      running_.erase(std::find(running_.begin(), running_.end(), &job));
    }
    leave(job);
  }

  void leave(blocking_job& job) noexcept {
    job.release();
    // The runtime may be gone right after it has been told: `end` takes the same lock, and comes before that.
    const std::lock_guard lock{mutex_};
    if (runs_ != nullptr) runs_->leave();
  }

  const executor& exec_;  ///< may be gone when the runtime has ended; only its address is used
  mutable std::mutex mutex_;
  std::condition_variable posted_;
  std::condition_variable thread_ended_;
  waiting_list waiting_;
  std::size_t waits_ = 0;  ///< in `waiting_`
  std::vector<const blocking_job*> running_;
  activity* runs_;  ///< null once the runtime has ended
  const std::size_t threads_max_;
  std::size_t threads_ = 0;
  std::size_t idle_ = 0;
};

blocking_pool::blocking_pool(executor& exec, activity& runs, std::size_t threads_max)
    : exec_{exec},
      runs_{runs},
      has_threads_{threads_max != 0},
      shared_{std::make_shared<shared>(exec, runs, threads_max)} {}

blocking_pool::~blocking_pool() = default;

void blocking_pool::run(blocking_job& job) noexcept {
  job.name = name_of_caller();
  job.retain();
  runs_.enter();
  if (has_threads_) return shared_->add(job);
  // The lane runs in order, and the runtime ends behind what is on it: so `shared_` is there.
  job.context = shared_.get();
  job.work::run = [](work& w) noexcept {
    static_cast<shared*>(w.context)->run(static_cast<blocking_job&>(w));
  };
  exec_.post_blocking(job);
}

void blocking_pool::forget(blocking_job& job) noexcept { shared_->forget(job); }

std::string blocking_pool::names_of_running() const { return shared_->names_of_running(); }

void blocking_pool::end() noexcept { shared_->end(); }

}  // namespace detail
}  // namespace v0
}  // namespace troupe
