// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "commit_ledger.hpp"
#include "receipt_office.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// Makes the changes of each actor durable by themselves: the commits of a store of `commit_cut::per_actor`.
///
/// Each image has an epoch of its own. The numbers rise along an actor and say nothing between actors, so nothing goes
/// from one actor to another before the epoch that it depends on is durable (`crosses_cuts`): then there is no effect
/// without its cause here either. An actor has at most one commit under way, and one image that fills meanwhile.
///
/// | a commit ends | then                                                                                          |
/// |---------------|-----------------------------------------------------------------------------------------------|
/// | committed     | the gates of its epoch open, in order; then the epoch is durable, and the next one may close  |
/// | failed        | it is tried again, after a back-off of that actor                                             |
/// | else          | the epoch, and all that the actor adds until it has ended, is lost: its gates open as such    |
class actor_committer final : public commit_ledger {
 public:
  actor_committer(runtime_core& core, executor& exec, const runtime_options& options);
  ~actor_committer() override;

  void when_durable(epoch_number e, gate_node& n) noexcept override;
  [[nodiscard]] epoch_number newest() const noexcept override { return 0; }
  void arrived(image& m) noexcept override;
  void forget(std::uint64_t message) override;
  [[nodiscard]] epoch_number newest_forgotten() const noexcept override;
  [[nodiscard]] receipt_office* receipts() noexcept override { return &receipts_; }
  [[nodiscard]] bool is_idle() const noexcept override { return running_ == 0; }
  void report(runtime_health& health) const override;
  void abandon(std::string_view why) noexcept override;
  [[nodiscard]] std::string_view why_lost() const noexcept override {
    return "its changes are not known to be stored; the actor starts again from what the store has";
  }
  [[nodiscard]] bool has_lost(const cell& c) const noexcept override;
  void has_ended(cell& lost) noexcept override;

 private:
  class line;

  struct gate {
    gate_node* first = nullptr;  ///< the one that came last
    bool lost = false;
  };
  // Actors are spread over these, so that threads seldom meet.
  struct shard {
    mutable std::mutex mutex;
    std::unordered_map<actor_id, std::unique_ptr<line>> lines;   ///< of actors with something to commit, or lost
    // Of epochs that are not durable. One that is lost stays, so that whoever asks late is told: a number each, for
    // every commit that the store did not confirm.
    std::unordered_map<epoch_number, gate> gates;
  };
  static constexpr std::size_t shard_bits = 4;
  static constexpr std::size_t shards = std::size_t{1} << shard_bits;

  epoch_number add_image(cell& of, image_maker prepare) override;
  [[nodiscard]] bool is_durable_apart(epoch_number e) const noexcept override;
  [[nodiscard]] shard& shard_of(const actor_id& id) const noexcept;
  [[nodiscard]] shard& shard_of(epoch_number e) const noexcept { return shards_[e & (shards - 1)]; }
  [[nodiscard]] epoch_number next_epoch(const shard& s) noexcept;
  void open_durable(epoch_number e) noexcept;
  void note_loss(std::string_view text) noexcept;
  void begin(line& l) noexcept;
  void ended() noexcept;

  mutable std::array<shard, shards> shards_;
  std::atomic<epoch_number> last_{0};
  std::atomic<std::size_t> open_epochs_{0};  ///< those in `shard::gates`
  std::atomic<std::size_t> running_{0};      ///< lines with something to commit
  receipt_office receipts_;
  const std::unique_ptr<line> forgetting_;   ///< of no actor: messages that the store is to forget; in the first shard

  mutable std::mutex losses_mutex_;
  std::uint64_t losses_ = 0;
  std::string last_loss_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
