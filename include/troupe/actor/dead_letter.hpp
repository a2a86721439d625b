// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include <troupe/core/clock.hpp>

namespace troupe {
inline namespace v0 {

/// A dead letter for people and tools: it can be shown whether or not its message can still be decoded.
struct dead_letter {
  std::uint64_t id = 0;
  std::uint32_t attempts = 0;  ///< that failed; 0 if it could not be decoded
  std::uint32_t version = 1;   ///< of the message's type when it was stored
  wall_time created_at{};
  /// The reason: the error of its last attempt, if that was since the actor woke; else why it cannot be decoded, or
  /// that its attempts are used up.
  std::string why;
  /// The message as JSON text. One that is not even well-formed CBOR is the JSON form of a byte string.
  std::string json;
};

}  // namespace v0
}  // namespace troupe
