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

#include <troupe/core/member_work.hpp>

#include "commit_ledger.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// Makes epochs durable, one at a time, and opens the gates of those who wait for them: the commits of a store of
/// `commit_cut::whole_store`.
///
/// What is committed up to an epoch is a consistent cut: no effect without its cause. For that, a turn's changes belong
/// to an epoch no older than anything the turn can depend on, and an epoch's images show their actors as of the end of
/// a turn of that epoch (docs/invariants.md). After Silo (Tu et al., SOSP 2013) and Cloudflare's output gates.
///
/// An epoch closes when the one before it is durable and there is something to commit; so the more arrives during a
/// commit, the more the next one takes along.
class committer final : public commit_ledger {
 public:
  committer(runtime_core& core, executor& exec, const runtime_options& options);

  void forget(std::uint64_t message) override;
  void when_durable(epoch_number e, gate_node& n) noexcept override;
  [[nodiscard]] epoch_number newest() const noexcept override;
  void report(runtime_health& health) const override;
  [[nodiscard]] bool is_idle() const noexcept override { return !open_.running; }
  void arrived(image& m) noexcept override;
  void abandon(std::string_view why) noexcept override;
  [[nodiscard]] std::string_view why_lost() const noexcept override {
    return "the store has failed for good, see runtime::health";
  }

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
  void write() noexcept;
  void succeeded() noexcept;
  void failed() noexcept;
  [[nodiscard]] std::string describe_failure() const;
  void fail_permanently() noexcept;

  enum class state : std::uint8_t { idle, writing };

  open_epoch open_;
  // With its lock.
  std::vector<std::uint64_t> forgotten_;     ///< of the open epoch
  std::array<gate_node*, 2> gates_{};        ///< of the open epoch and the one before, by parity

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
