#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <troupe/core/executor.hpp>
#include <troupe/core/random.hpp>
#include <troupe/runtime/runtime.hpp>

#include "../core/fork_watch.hpp"
#include "alarms.hpp"
#include "committer.hpp"
#include "directory.hpp"
#include "due_times.hpp"
#include "id_source.hpp"
#include "loader.hpp"
#include "outgoing.hpp"
#include "turn_watch.hpp"
#include "wait_graph.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

class host_coroutine;

/// What all parts of a runtime share. Handles and calls keep it alive; its threads end with the runtime.
class runtime_core {
 public:
  runtime_core(const registry& served, runtime_options options);
  ~runtime_core();

  /// The core and the client that contexts give out. Neither owns the core. Once, before anything runs.
  void serve(std::shared_ptr<runtime_core> not_owning, std::shared_ptr<const troupe::client> client) noexcept {
    not_owning_ = std::move(not_owning);
    client_ = std::move(client);
  }
  [[nodiscard]] const std::shared_ptr<runtime_core>& not_owning() const noexcept { return not_owning_; }

  /// Takes up what an earlier process has left. Once, when all is set up.
  void begin();

  [[nodiscard]] executor& exec() noexcept { return *executor_; }
  /// Null: nobody is told, and nothing is measured.
  [[nodiscard]] observer* observed_by() const noexcept { return options_.observer.get(); }
  /// Then no call runs past the mailbox of its actor.
  [[nodiscard]] bool observes_turns() const noexcept { return observes_turns_; }
  /// The same if its host pumps it, else null.
  [[nodiscard]] manual_executor* pumped() const noexcept { return pumped_; }
  [[nodiscard]] troupe::store& stored() noexcept { return *store_; }
  [[nodiscard]] loader& loads() noexcept { return loader_; }
  [[nodiscard]] directory& cells() noexcept { return directory_; }
  [[nodiscard]] committer& commits() noexcept { return committer_; }
  [[nodiscard]] alarms& wake_ups() noexcept { return alarms_; }
  [[nodiscard]] outgoing& parcels() noexcept { return parcels_; }
  [[nodiscard]] due_times& delays() noexcept { return delays_; }
  [[nodiscard]] id_source& ids() noexcept { return ids_; }
  [[nodiscard]] wait_graph& waits() noexcept { return waits_; }
  [[nodiscard]] const troupe::client& client() const noexcept { return *client_; }

  /// Throws `actor.not_registered`.
  [[nodiscard]] const definition& find(const void* type) const;
  /// Null if there is none of this wire name.
  [[nodiscard]] const definition* find(std::string_view name) const noexcept;
  /// The wire names that it serves.
  [[nodiscard]] std::vector<std::string_view> names() const;

  /// Throws `runtime.stopped` once the runtime shuts down.
  void require_running() const {
    if (stopping()) [[unlikely]]
      refuse_stopped();
  }
  /// For the definitions, which show it to calls.
  [[nodiscard]] const std::atomic<bool>& stopping_flag() const noexcept { return stopping_; }
  [[nodiscard]] bool stopping() const noexcept { return stopping_.load(std::memory_order_acquire); }

  /// Whether this process is a fork of the one that runs the runtime: then nothing of it runs here, and threads that
  /// are not here may hold its locks. Instead of waiting or taking a lock, calls throw `runtime.stopped`.
  [[nodiscard]] bool forked() const noexcept { return fork_.in_child(); }
  void require_own_process() const {
    if (forked()) [[unlikely]]
      refuse_stopped();
  }

  /// Finds the actor of an id in the store, and sends the invocation there.
  void locate(invocation& inv) noexcept;

  /// Ends an invocation that has not begun.
  void refuse(invocation& inv, std::exception_ptr why) noexcept;
  /// Gives an invocation's answer to whoever waits, once it may leave.
  void deliver(invocation& inv) noexcept;

  void report(const std::exception_ptr& failure, std::string_view where) noexcept;
  void log(log_level level, std::string_view line) noexcept;

  // Actors that are awake or on their way, and coroutines of the host: what shutdown waits for.
  void enter_busy() noexcept {
    if (busy_.fetch_add(1, std::memory_order_seq_cst) == 0 && is_watched_) turn_watch::instance().look_soon();
  }
  [[nodiscard]] bool is_busy() const noexcept { return busy_.load(std::memory_order_seq_cst) != 0; }
  /// The last thing that a thread does here: the core may be gone when it returns.
  void leave_busy() noexcept;

  /// Whether this thread is a late one: all was at rest, and nobody runs what is posted any more. Whoever has entered
  /// and is told no is waited for.
  [[nodiscard]] bool comes_late() const noexcept {
    return ending_.load(std::memory_order_seq_cst) && !executor_->on_worker();
  }

  /// Whether the end of this runtime would wait for the calling thread: it runs the executor's work, a turn of one of
  /// the actors, or the host's error handler or logger.
  [[nodiscard]] bool needs_this_thread() const noexcept;

  /// Sends a cell a message, which its holder obeys.
  void order(cell& c, void (*obey)(cell&) noexcept);

  /// Returns false if something had to be cut off.
  bool shutdown() noexcept;
  /// Whether that, or kill(), is over.
  [[nodiscard]] bool has_ended() const noexcept { return stopped_.load(std::memory_order_acquire); }
  /// The process dies, as far as that can be played within one: nothing more is stored, no hook runs, and all that
  /// waits is told that its outcome is open. Returns false if something still runs then. For simulations.
  /// `how` is the reason given to interrupted waits and late calls, for people.
  bool kill(std::string_view how) noexcept;
  [[nodiscard]] bool killed() const noexcept { return killed_; }
  /// How the runtime was killed, for the errors of interrupted waits and late calls; empty if it was not.
  [[nodiscard]] const std::string& killed_by() const noexcept { return killed_by_; }
  /// The description of an interrupted operation, followed by `killed_by` if that is not empty.
  [[nodiscard]] std::string interrupted(std::string what) const {
    return killed_by_.empty() ? std::move(what) : std::move(what) + ": " + killed_by_;
  }
  /// Of its definitions' limits, `options::long_turn`.
  [[nodiscard]] std::chrono::nanoseconds least_long_turn() const noexcept;
  void spawn(task<> t);
  [[nodiscard]] runtime_health health() const;

  /// A moment on both clocks: the executor's, and the machine's, since the former may stand still.
  struct limit {
    time_point by_executor;
    time_point by_machine;
  };
  [[nodiscard]] limit limit_in(std::chrono::nanoseconds duration) const noexcept;

  /// Runs `done()` until it is true, pumping a manual executor meanwhile; false when the limit has passed.
  bool wait_until(const std::function<bool()>& done, limit until);
  void notify() noexcept;

 private:
  friend class host_coroutine;
  [[noreturn]] void refuse_stopped() const;
  static void enter_child(void* self) noexcept;
  void cancel_coroutines() noexcept;
  void order_all(void (*obey)(cell&) noexcept) noexcept;
  [[nodiscard]] bool put_all_to_sleep() noexcept;
  void end() noexcept;

  runtime_options options_;
  const bool observes_turns_ = options_.observer && options_.observer->wants_turns();
  std::vector<std::shared_ptr<const definition>> definitions_;
  std::shared_ptr<executor> executor_;
  manual_executor* const pumped_ = dynamic_cast<manual_executor*>(executor_.get());
  std::shared_ptr<random_source> random_;
  std::unique_ptr<troupe::store> store_;
  loader loader_{*executor_, *store_};
  directory directory_;
  committer committer_;
  id_source ids_;
  due_times delays_;
  alarms alarms_{*this};
  outgoing parcels_{*this};
  wait_graph waits_;
  std::shared_ptr<const troupe::client> client_;

  std::shared_ptr<runtime_core> not_owning_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> ending_{false};  ///< see `comes_late`
  bool killed_ = false;  ///< written while nothing runs
  std::string killed_by_;  ///< the same
  bool is_watched_ = false;  ///< by `turn_watch`
  std::atomic<bool> stopped_{false};

  // What many threads write to stands on lines of its own, away from what they all read.
  alignas(64) std::atomic<std::size_t> busy_{0};
  alignas(64) std::atomic<std::uint64_t> errors_{0};
  std::mutex report_mutex_;
  std::atomic<const void*> reporting_{nullptr};  ///< the thread that is in the host's error handler or logger
  std::mutex idle_mutex_;
  host_coroutine* coroutines_ = nullptr;  ///< those of `spawn` that have not ended; under idle_mutex_
  std::condition_variable idle_;
  fork_watch fork_{&runtime_core::enter_child, this};
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
