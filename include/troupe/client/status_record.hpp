// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <troupe/core/actor_id.hpp>
#include <troupe/core/bytes.hpp>
#include <troupe/core/clock.hpp>
#include <troupe/runtime/status.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// An actor's status as data: what leaves the process of it. A moment of an executor's clock means nothing elsewhere,
/// so it leaves as a length of time.
struct status_record {
  std::uint8_t state = 0;
  actor_id id;
  std::uint64_t calls_waiting = 0;
  std::vector<std::string> running;
  std::string exclusive;
  bool unsaved = false;
  std::string reason;
  std::vector<std::string> waits;
  std::optional<std::chrono::nanoseconds> age;  ///< of the phase
};

/// As CBOR. `now` is the time of the executor whose clock the status has.
[[nodiscard]] bytes encode_status(const actor_status& status, time_point now);
/// The same backwards, for a caller on another executor. Throws `encoding.invalid`.
[[nodiscard]] actor_status decode_status(bytes_view encoded, time_point now);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
