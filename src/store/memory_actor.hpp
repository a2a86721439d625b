#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <troupe/store/store.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// An actor as the memory store has it. Small, and first what every update touches: an update of one among many costs
/// what the processor waits for memory.
struct memory_actor {
  bool initialised = false;
  std::uint32_t version = 1;
  bytes state{};
  std::optional<bytes> input{};
  std::string name{};
  std::string key{};
  tags labels{};
  std::chrono::sys_time<std::chrono::milliseconds> created_at{};
};

/// What the write-set creates.
[[nodiscard]] memory_actor to_memory_actor(const write_set& write);

/// Without state and input.
[[nodiscard]] actor_record to_head(const actor_id& id, const memory_actor& actor);

/// Whether it has all of these tags. Null: there are none to have.
[[nodiscard]] bool carries(const memory_actor& actor, const tags* labels);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
