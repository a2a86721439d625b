// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {
inline namespace v0 {

/// The name of an actor among those of its definition: a list of strings.
///
///     troupe::key{"org-7", "alice"}      // a compound key
///     client.get<counter>("home")        // a plain string is the list of that one string
///
/// Two keys are equal exactly when their lists are: {"a", "b"}, {"a/b"} and {} are three keys. The lists are kept as
/// one canonical string, which is what the store and the wire carry (the reference's injective encoding).
///
/// Errors: `actor.key_too_large` from a constructor, when a segment has more than 128 bytes or the canonical string
/// more than 1,024. An object may be read from any number of threads.
class key {
 public:
  static constexpr std::size_t segment_bytes_max = 128;
  static constexpr std::size_t canonical_bytes_max = 1024;

  key() : canonical_{"/"} {}

  template <class First, class... Rest>
    requires(!std::same_as<std::remove_cvref_t<First>, key> && std::convertible_to<const First&, std::string_view> &&
             (std::convertible_to<const Rest&, std::string_view> && ...))
  key(const First& first, const Rest&... rest) : key{} {  // NOLINT(google-explicit-constructor): "home" is a key
    append(first);
    (append(rest), ...);
  }

  explicit key(const std::vector<std::string>& segments);

  /// The key that `canonical()` gave. A lone backslash at the end is taken literally, and "" is the empty list, as
  /// the reference's parser has it.
  [[nodiscard]] static key parse(std::string_view canonical);

  /// "/" for the empty list, else the segments joined by "/", with "\\" and "/" escaped by "\\" and an empty segment
  /// written as "\\0".
  [[nodiscard]] const std::string& canonical() const noexcept { return canonical_; }

  [[nodiscard]] std::vector<std::string> segments() const;

  friend bool operator==(const key&, const key&) = default;
  friend std::strong_ordering operator<=>(const key& a, const key& b) noexcept { return a.canonical_ <=> b.canonical_; }

 private:
  void append(std::string_view segment);

  std::string canonical_;
};

}  // namespace v0
}  // namespace troupe

template <>
struct std::hash<troupe::key> {
  std::size_t operator()(const troupe::key& k) const noexcept { return std::hash<std::string>{}(k.canonical()); }
};
