// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include <troupe/core/actor_id.hpp>
#include <troupe/core/bytes.hpp>
#include <troupe/core/clock.hpp>
#include <troupe/testing/faults.hpp>
#include <troupe/testing/seeded_random.hpp>

namespace troupe {
inline namespace v0 {
namespace testing::detail {

/// What happened so far, as one number: two runs that are equal up to a point have the same hash there.
class trace {
 public:
  /// Hears every line; null while nobody does, which spares the making of lines.
  std::function<void(std::string_view)> tell;

  void note(std::string_view what, std::uint64_t number = 0) noexcept;
  void add(std::uint64_t number) noexcept;
  void add(bytes_view bytes) noexcept;
  void add(const actor_id::bytes_type& id) noexcept { add(std::as_bytes(std::span{id})); }
  [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }

 private:
  std::uint64_t hash_ = 0xCBF29CE484222325ULL;
};

/// Virtual time, and a wall clock beside it that can be set.
class simulated_clock final : public troupe::clock {
 public:
  [[nodiscard]] time_point now() const noexcept override { return time_point{elapsed_}; }
  [[nodiscard]] wall_time wall() const noexcept override {
    return wall_time{std::chrono::milliseconds{1'767'225'600'000}} +  // 2026-01-01
           std::chrono::floor<std::chrono::milliseconds>(elapsed_ + offset_);
  }
  [[nodiscard]] bool runs_by_itself() const noexcept override { return false; }
  void advance(std::chrono::nanoseconds by) noexcept { elapsed_ += by; }
  void set_wall(std::chrono::nanoseconds by) noexcept { offset_ += by; }

 private:
  std::chrono::nanoseconds elapsed_{1};
  std::chrono::nanoseconds offset_{0};
};

/// What the parts of a simulation share, from its beginning to its end: time, chance and the trace.
struct simulated_world {
  explicit simulated_world(std::uint64_t seed) : random{seed} {}

  /// Whether a fault happens, here and now.
  [[nodiscard]] bool happens(const fault& f, std::uint32_t& times) noexcept {
    if (calm || f.probability <= 0 || times >= f.most) return false;
    const auto now = clock->now().time_since_epoch();
    if (now < f.from || now >= f.until || !random.chance(f.probability)) return false;
    ++times;
    return true;
  }

  seeded_random random;
  std::shared_ptr<simulated_clock> clock = std::make_shared<simulated_clock>();
  testing::faults faults;
  /// How often each has happened.
  struct {
    std::uint32_t crash = 0, crash_before_commit = 0, crash_after_commit = 0, crash_in_write = 0, power_cut = 0;
    std::uint32_t commit_fails = 0, commit_unknown = 0, actor_taken = 0, slow_commit = 0;
    std::uint32_t load_fails = 0, slow_load = 0;
    std::uint32_t delay = 0, stall = 0, clock_jump = 0, wall_clock_jump = 0, busy = 0;
  } times;
  trace log;
  std::chrono::nanoseconds commits_fail_until{0};
  bool calm = false;                 ///< no faults: while a process dies or ends
  bool crash_wanted = false;         ///< the process is to die as soon as nothing runs
  bool power_cut_wanted = false;     ///< the same, and the machine with it
  bool crash_before_commit = false;  ///< the next one
  bool crash_after_commit = false;
};

}  // namespace testing::detail
}  // namespace v0
}  // namespace troupe
