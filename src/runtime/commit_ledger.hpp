// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>

#include <troupe/core/executor.hpp>
#include <troupe/runtime/runtime.hpp>
#include <troupe/runtime/served_type.hpp>
#include <troupe/runtime/status.hpp>

#include "image.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

class receipt_office;

/// The door to the commits of a runtime: what recorders and gates ask of them, whatever the store's cut is. Behind it
/// stands a `committer`, or an `actor_committer` for a store of `commit_cut::per_actor`. It has what both share: the
/// backlog, the tries again, the health and the reports.
///
/// All members may be called from any thread.
class commit_ledger {
 public:
  commit_ledger(const commit_ledger&) = delete;
  commit_ledger& operator=(const commit_ledger&) = delete;
  virtual ~commit_ledger() = default;

  // --- epochs and gates ---

  [[nodiscard]] bool is_durable(epoch_number e) const noexcept {
    return e <= seen_.durable.load(std::memory_order_acquire) || (seen_.apart != nullptr && is_durable_apart(e));
  }
  /// Calls `n.opened` once the epoch is durable, or lost: now, or later on any thread. Nodes of one actor's epochs open
  /// in the order in which they came.
  virtual void when_durable(epoch_number e, gate_node& n) noexcept = 0;
  /// The newest epoch that has anything in it: durable means that all is. 0 if there is no order among actors.
  [[nodiscard]] virtual epoch_number newest() const noexcept = 0;

  /// Takes an actor's image into an open epoch, by way of `prepare(e)`, which gives the image for that epoch.
  template <class Prepare>
  epoch_number add(cell& of, Prepare&& prepare) {
    if (shared_ != nullptr) [[likely]]
      return add_to_shared(prepare);
    return add_image(of, {&prepare, [](void* p, epoch_number e) -> image& {
                            return (*static_cast<std::remove_reference_t<Prepare>*>(p))(e);
                          }});
  }
  /// From the holder of a cell whose image was asked for and is encoded now.
  virtual void arrived(image& m) noexcept = 0;

  // --- messages ---

  /// A message on its way has no receiver, or one that is not stored; or it has arrived, with a receipt: the store
  /// forgets it.
  virtual void forget(std::uint64_t message) = 0;
  /// Once this is durable, all that was to be forgotten is. Only with `receipts`.
  [[nodiscard]] virtual epoch_number newest_forgotten() const noexcept { return 0; }
  /// Where receivers leave that a message has arrived, if sender and receiver are not committed together; else null.
  [[nodiscard]] virtual receipt_office* receipts() noexcept { return nullptr; }

  // --- the state of affairs ---

  /// What cells look at on every call.
  [[nodiscard]] const commit_state& seen_by_calls() const noexcept { return seen_; }
  /// Nothing is being committed, or waits for it.
  [[nodiscard]] virtual bool is_idle() const noexcept = 0;
  virtual void report(runtime_health& health) const;
  void add_backlog(std::ptrdiff_t bytes) noexcept {
    backlog_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    if (bytes < 0 && seen_.refusing.load(std::memory_order_relaxed)) [[unlikely]]
      update_refusing();
  }
  /// In a forked child, which has no thread that would commit.
  void refuse_changes() noexcept {
    refuses_for_good_ = true;
    seen_.refusing.store(true, std::memory_order_relaxed);
  }

  // --- the end ---

  /// Nothing more will be written, once commits that are under way have ended; those who wait are then told that the
  /// outcome is open. Health shows `why`.
  virtual void abandon(std::string_view why) noexcept = 0;
  /// The last part of the error of a caller whose commit is lost.
  [[nodiscard]] virtual std::string_view why_lost() const noexcept = 0;
  /// The holder: whether some of the actor's changes are lost, so that it has to end.
  [[nodiscard]] virtual bool has_lost(const cell&) const noexcept { return false; }
  /// The holder: the actor, some of whose changes are lost, is not in memory any more.
  virtual void has_ended(cell& /*lost*/) noexcept {}

 protected:
  struct image_maker {
    void* from;
    image& (*make)(void* from, epoch_number e);
    image& operator()(epoch_number e) const { return make(from, e); }
  };
  /// The epoch that is open for the images of all actors.
  struct open_epoch {
    mutable std::mutex mutex{};
    epoch_number number = 1;
    image* pending = nullptr;
    std::atomic<bool> running{false};  ///< from the first image until there is nothing left to commit
    bool given_up = false;             ///< nobody looks at images any more
    work* job = nullptr;               ///< of the I/O lane, to be posted when `running` begins
  };
  /// A commit, as the observer is told of it.
  struct told_commit {
    epoch_number epoch = 0;
    std::size_t actors = 0;
    std::ptrdiff_t bytes = 0;
    time_point begun_at{};  ///< the store was asked; only if there is an observer
  };

  /// `shared` is null if each actor has epochs of its own; then `add_image` takes images.
  commit_ledger(runtime_core& core, executor& exec, const runtime_options& options, open_epoch* shared);

  virtual epoch_number add_image(cell& of, image_maker prepare);
  [[nodiscard]] virtual bool is_durable_apart(epoch_number) const noexcept { return false; }

  /// Adds an image's write-set, which has views into it.
  static void add_to(commit_request& request, image& m, epoch_number epoch, row_changes::company who);
  /// What messages and creations have held is free again: the commit has succeeded.
  static void let_go(image& m) noexcept;
  void tell_of(const commit_request& request, const told_commit& c) const;
  /// Those of one list, the last one first. First come, first served.
  void open(gate_node* list, bool durable) noexcept;
  void note_error(std::string_view text) noexcept;
  void update_refusing() noexcept;

  runtime_core& core_;
  executor& executor_;
  const std::chrono::nanoseconds retry_min_, retry_max_;
  const std::ptrdiff_t backlog_bytes_max_;
  commit_state seen_;
  std::atomic<bool> dead_{false};  ///< nothing is written any more
  std::atomic<std::ptrdiff_t> backlog_bytes_{0};
  std::atomic<std::uint32_t> failures_{0};
  std::atomic<std::uint64_t> commits_{0};

 private:
  template <class Prepare>
  epoch_number add_to_shared(Prepare& prepare) {
    bool kick = false;
    epoch_number e = 0;
    {
      const std::lock_guard lock{shared_->mutex};
      e = shared_->number;
      image& m = prepare(e);
      if (shared_->given_up) return e;
      m.next = shared_->pending;
      shared_->pending = &m;
      kick = !shared_->running.exchange(true);
    }
    if (kick) executor_.post_blocking(*shared_->job);
    return e;
  }

  open_epoch* const shared_;
  std::atomic<bool> refuses_for_good_{false};
  mutable std::mutex error_mutex_;
  std::string last_error_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
