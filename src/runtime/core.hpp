// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <troupe/actor/listing.hpp>
#include <troupe/actor/transport.hpp>
#include <troupe/core/executor.hpp>
#include <troupe/core/random.hpp>
#include <troupe/runtime/runtime.hpp>

#include "../core/fork_watch.hpp"
#include "activity.hpp"
#include "error_reporter.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

class alarms;
class blocking_threads;
class commit_ledger;
class directory;
class due_times;
class id_source;
class invocation;
class loader;
class outbox;
class wait_graph;

/// What all parts of a runtime share: executor, store, options, the count of what is busy, reports, and the ways to
/// the other parts, which it does not know: `runtime_assembly` makes and owns them. It is the transport to the actors
/// of the runtime. Handles and calls keep it alive; its threads end with the runtime.
class runtime_core : public transport {
 public:

  /// The core and the client that contexts give out. Neither owns the core. Once, before anything runs.
  void serve(std::shared_ptr<runtime_core> not_owning, std::shared_ptr<const troupe::client> client) noexcept {
    not_owning_ = std::move(not_owning);
    client_ = std::move(client);
  }
  [[nodiscard]] const std::shared_ptr<runtime_core>& not_owning() const noexcept { return not_owning_; }

  /// Null: nobody is told, and nothing is measured.
  [[nodiscard]] observer* observed_by() const noexcept { return options_.observer.get(); }
  /// The same if its host pumps it, else null.
  [[nodiscard]] manual_executor* pumped() const noexcept { return pumped_; }
  [[nodiscard]] troupe::store& stored() noexcept { return *store_; }
  [[nodiscard]] loader& loads() noexcept { return *parts_.loads; }
  [[nodiscard]] directory& cells() noexcept { return *parts_.cells; }
  [[nodiscard]] commit_ledger& commits() noexcept { return *parts_.commits; }
  [[nodiscard]] alarms& wake_ups() noexcept { return *parts_.wake_ups; }
  [[nodiscard]] detail::outbox& outbox() noexcept { return *parts_.outbox; }
  [[nodiscard]] due_times& delays() noexcept { return *parts_.delays; }
  [[nodiscard]] id_source& ids() noexcept { return *parts_.ids; }
  [[nodiscard]] blocking_threads& blocking() noexcept { return *parts_.blocking; }
  [[nodiscard]] wait_graph& waits() noexcept { return *parts_.waits; }
  [[nodiscard]] const troupe::client& client() const noexcept { return *client_; }
  [[nodiscard]] const troupe::services& services() const noexcept { return options_.services; }

  [[nodiscard]] const definition& find(const void* type) const final;
  [[nodiscard]] const definition* find(std::string_view name) const noexcept final;
  [[nodiscard]] std::vector<std::string_view> names() const final;
  /// A page of the actors of a type, all or those that carry all of the tags: see `client::list`.
  [[nodiscard]] task<std::vector<actor_summary>> list(const definition& type, std::optional<tags> labels, page p);

  /// Throws `runtime.stopped` once the runtime shuts down.
  void require_running() const final {
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

  /// Finds the actor of an id in the store, and sends the invocation there (src/runtime/location.cpp).
  void locate(invocation& inv) noexcept;
  /// The same: only what has no cell is sent. Callers see to their time-outs themselves.
  void send(invocation& inv, std::chrono::nanoseconds) noexcept final { locate(inv); }

  // How an invocation is answered (src/runtime/reply_gate.cpp).

  /// Ends an invocation that has not begun.
  void refuse(invocation& inv, std::exception_ptr why) noexcept final;
  /// Gives the answer of an invocation to its caller, once it may leave.
  void deliver(invocation& inv) noexcept;

  void report(const std::exception_ptr& failure, std::string_view where) noexcept final;
  void log(log_level level, std::string_view line) noexcept { reporter_.log(level, line); }

  // See `activity`.

  void enter_busy() noexcept final { activity_.enter(); }
  [[nodiscard]] bool is_busy() const noexcept { return activity_.is_busy(); }
  void leave_busy() noexcept final { activity_.leave(); }
  [[nodiscard]] bool after_shutdown() const noexcept { return activity_.after_shutdown(); }
  void notify() noexcept { activity_.notify(); }

  [[nodiscard]] bool killed() const noexcept { return killed_; }
  /// How the runtime was killed, for the errors of interrupted waits and late calls; empty if it was not.
  [[nodiscard]] const std::string& killed_by() const noexcept { return killed_by_; }
  /// The description of an interrupted operation, followed by `killed_by` if that is not empty.
  [[nodiscard]] std::string interrupted(std::string what) const final {
    return killed_by_.empty() ? std::move(what) : std::move(what) + ": " + killed_by_;
  }
  /// Of its definitions' limits, `options::long_turn`.
  [[nodiscard]] std::chrono::nanoseconds least_long_turn() const noexcept;

 protected:
  /// The other parts of the runtime.
  struct parts {
    loader* loads = nullptr;
    directory* cells = nullptr;
    commit_ledger* commits = nullptr;  ///< made when the store is open
    alarms* wake_ups = nullptr;
    detail::outbox* outbox = nullptr;
    due_times* delays = nullptr;
    id_source* ids = nullptr;
    wait_graph* waits = nullptr;
    blocking_threads* blocking = nullptr;
  };

  /// Opens the store. `others` need not be made yet: nothing runs before they are.
  runtime_core(const registry& served, runtime_options options, const parts& others);
  ~runtime_core() override = default;

  [[nodiscard]] const runtime_options& options() const noexcept { return options_; }
  [[nodiscard]] std::span<const std::shared_ptr<const definition>> definitions() const noexcept {
    return definitions_;
  }
  [[nodiscard]] random_source& random() noexcept { return *random_; }
  [[nodiscard]] activity& all_activity() noexcept { return activity_; }
  [[nodiscard]] const error_reporter& reporter() const noexcept { return reporter_; }

  // The end of the runtime, by its steps.

  /// Calls are refused from now on. False if they were already.
  bool stop() noexcept { return !stopping_.exchange(true); }
  /// While nothing runs: see `killed_by`.
  void set_killed(std::string_view how) {
    killed_by_ = how;
    killed_ = true;
  }
  /// Stops the executor, if that is the runtime's own, closes the store, and lets go of the services.
  void close() noexcept;

  parts parts_;

 private:
  runtime_core(const std::shared_ptr<executor>& exec, const registry& served, runtime_options&& options,
               const parts& others);
  [[noreturn]] void refuse_stopped() const;

  runtime_options options_;
  std::vector<std::shared_ptr<const definition>> definitions_;
  std::shared_ptr<executor> executor_;
  manual_executor* const pumped_ = dynamic_cast<manual_executor*>(executor_.get());
  std::shared_ptr<random_source> random_;
  std::unique_ptr<troupe::store> store_;
  std::shared_ptr<const troupe::client> client_;

  std::shared_ptr<runtime_core> not_owning_;
  std::atomic<bool> stopping_{false};
  bool killed_ = false;  ///< written while nothing runs
  std::string killed_by_;  ///< the same

  activity activity_{*executor_};
  error_reporter reporter_{options_};
  fork_watch fork_{[](void* self) noexcept {
                     static_cast<runtime_core*>(self)->stopping_.store(true, std::memory_order_relaxed);
                   },
                   this};
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
