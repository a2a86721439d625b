// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {
inline namespace v0 {

/// Names one actor for ever: unique, never reused, opaque to its users. An actor that is destroyed and created again
/// under the same key has another id.
///
/// Inside it is a UUID of version 7 (RFC 9562): 48 bits of Unix time in milliseconds, then 74 random bits, so that ids
/// made one after another lie side by side in the store. Printed as UUIDs are, in lower case. A plain value.
class actor_id {
 public:
  static constexpr std::size_t size_bytes = 16;
  using bytes_type = std::array<std::uint8_t, size_bytes>;

  /// The nil id, which names no actor.
  constexpr actor_id() noexcept = default;
  explicit constexpr actor_id(const bytes_type& bytes) noexcept : bytes_{bytes} {}

  /// A new id from the time and 128 random bits, of which 74 are used.
  [[nodiscard]] static actor_id make(std::uint64_t unix_milliseconds, std::uint64_t random_high,
                                     std::uint64_t random_low) noexcept;

  /// Reads what `str()` wrote; nothing if the text is anything else.
  [[nodiscard]] static std::optional<actor_id> parse(std::string_view text) noexcept;

  [[nodiscard]] std::string str() const;
  [[nodiscard]] constexpr const bytes_type& bytes() const noexcept { return bytes_; }

  /// False for the nil id.
  [[nodiscard]] explicit operator bool() const noexcept { return *this != actor_id{}; }

  friend constexpr bool operator==(const actor_id&, const actor_id&) = default;
  friend constexpr std::strong_ordering operator<=>(const actor_id&, const actor_id&) = default;

 private:
  bytes_type bytes_{};
};

}  // namespace v0
}  // namespace troupe

template <>
struct std::hash<troupe::actor_id> {
  std::size_t operator()(const troupe::actor_id& id) const noexcept {
    std::uint64_t random_half = 0;  // the other half is mostly time
    std::memcpy(&random_half, id.bytes().data() + 8, sizeof random_half);
    return static_cast<std::size_t>(random_half * 0x9E3779B97F4A7C15ULL);
  }
};
