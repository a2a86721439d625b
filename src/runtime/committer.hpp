// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <troupe/core/executor.hpp>
#include <troupe/core/member_work.hpp>
#include <troupe/runtime/cell.hpp>
#include <troupe/runtime/runtime.hpp>
#include <troupe/runtime/status.hpp>

#include "image.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// Makes epochs durable, one at a time, and opens the gates of those who wait for them.
///
/// What is committed up to an epoch is a consistent cut: no effect without its cause. For that, a turn's changes belong
/// to an epoch no older than anything the turn can depend on, and an epoch's images show their actors as of the end of
/// a turn of that epoch (docs/invariants.md). After Silo (Tu et al., SOSP 2013) and Cloudflare's output gates.
///
/// An epoch closes when the one before it is durable and there is something to commit; so the more arrives during a
/// commit, the more the next one takes along.
class committer {
 public:
  committer(runtime_core& core, executor& exec, const runtime_options& options);

  // --- any thread ---

  [[nodiscard]] bool is_durable(epoch_number e) const noexcept {
    return e <= state_of_commits_.durable.load(std::memory_order_acquire);
  }

  /// Takes an actor's image into the open epoch, by way of `prepare(e)`, which gives the image for that epoch.
  template <class Prepare>
  epoch_number add(Prepare&& prepare) {
    bool kick = false;
    epoch_number e = 0;
    {
      const std::lock_guard lock{mutex_};
      e = open_;
      image& m = prepare(e);
      if (failed_permanently_) return e;
      m.next = pending_;
      pending_ = &m;
      kick = !running_.exchange(true);
    }
    if (kick) executor_.post_blocking(job_);
    return e;
  }

  /// A message on its way has no receiver, or one that is not stored: the store forgets it.
  void forget(std::uint64_t message);

  /// Calls `n.opened` once the epoch is durable: now, or later on any thread.
  void when_durable(epoch_number e, gate_node& n) noexcept;

  /// The newest epoch that has anything in it: durable means that all is.
  [[nodiscard]] epoch_number newest() const noexcept;

  void add_backlog(std::ptrdiff_t bytes) noexcept { backlog_bytes_.fetch_add(bytes, std::memory_order_relaxed); }
  void report(runtime_health& health) const;

  /// Nothing is being committed, or waits for it.
  [[nodiscard]] bool is_idle() const noexcept {
    return !running_;
  }

  /// What cells look at on every call.
  [[nodiscard]] const commit_state& seen_by_calls() const noexcept { return state_of_commits_; }

  /// In a forked child, which has no thread that would commit.
  void refuse_changes() noexcept { state_of_commits_.refusing.store(true, std::memory_order_relaxed); }

  /// From the holder of a cell whose image was asked for and is encoded now.
  void arrived() noexcept;

  /// Nothing more will be written, once a commit that is under way has ended; those who wait are then told that the
  /// outcome is open. Health shows `why`.
  void abandon(std::string_view why) noexcept;

 private:
  struct request final : commit_request {
    committer* owner = nullptr;
  };

  void step() noexcept;
  void try_again() noexcept { executor_.post_blocking(job_); }
  void close_epoch() noexcept;
  void collect() noexcept;
  [[nodiscard]] bool last_arrived() noexcept;
  [[nodiscard]] bool take(image& m) noexcept;
  void build();
  void add_to_request(image& m);
  void completed() noexcept;
  void tell_of_commit(observer& to) const;
  void write() noexcept;
  void succeeded() noexcept;
  void failed() noexcept;
  [[nodiscard]] std::string describe_failure() const;
  void note_error(std::string_view text) noexcept;
  void fail_permanently() noexcept;
  void open(gate_node* list, bool durable) noexcept;
  void update_refusing() noexcept;

  enum class state : std::uint8_t { idle, writing };

  runtime_core& core_;
  executor& executor_;
  const std::chrono::nanoseconds retry_min_, retry_max_;
  const std::ptrdiff_t backlog_bytes_max_;

  mutable std::mutex mutex_;
  epoch_number open_ = 1;
  image* pending_ = nullptr;                 ///< of the open epoch
  std::vector<std::uint64_t> forgotten_;     ///< the same
  std::array<gate_node*, 2> gates_{};        ///< of the open epoch and the one before, by parity
  std::atomic<bool> running_{false};         ///< from the first image until there is nothing left to commit
  std::atomic<bool> dead_{false};            ///< the store lost track, or the runtime has given it up
  bool failed_permanently_ = false;                      ///< dead, and nobody looks at images any more
  std::string last_error_;

  commit_state state_of_commits_;
  std::atomic<std::ptrdiff_t> backlog_bytes_{0};
  std::atomic<std::uint32_t> failures_{0};
  std::atomic<std::uint64_t> commits_{0};

  // Of the commit that is under way.
  state state_ = state::idle;
  image* closing_ = nullptr;  ///< those that have to be looked at again
  epoch_number closing_epoch_ = 0;
  std::atomic<std::size_t> asked_{0};
  std::ptrdiff_t closing_bytes_ = 0;
  std::atomic<std::size_t> closing_actors_{0};
  time_point begun_at_{};  ///< the store was asked; only if there is an observer
  request request_;
  member_work<&committer::step> job_{*this};
  member_timer<&committer::try_again> retry_{*this};
  std::chrono::nanoseconds retry_after_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
