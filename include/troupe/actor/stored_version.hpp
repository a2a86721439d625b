// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <type_traits>

#include <troupe/codec/cbor.hpp>
#include <troupe/codec/codec.hpp>
#include <troupe/codec/json_fwd.hpp>
#include <troupe/core/buffer.hpp>
#include <troupe/core/bytes.hpp>

/// \file
/// Versions of messages and creation input. A type with `static constexpr int version = 2;` is stored with its version,
/// and what an older program has stored is brought up to date with `static void migrate(troupe::json&, int from)`.

namespace troupe {
inline namespace v0 {
namespace detail {

// A data member that is named `version` is no constant, and makes no version.
template <class T>
concept names_version = requires { typename std::bool_constant<(T::version >= 1)>; } &&
                        std::is_integral_v<std::remove_cvref_t<decltype(T::version)>>;

/// The version of the values of a type, 1 if it names none.
template <class T>
consteval std::uint32_t stored_version() {
  if constexpr (names_version<T>) {
    static_assert(T::version >= 1, "troupe: `version` is `static constexpr int version = 2;`, 1 or more");
    return static_cast<std::uint32_t>(T::version);
  } else {
    return 1;
  }
}

template <class T>
concept names_migrate = requires { &T::migrate; };
template <class T>
concept can_migrate = requires(json& value) { T::migrate(value, 1); };

/// Encoded data and the version that it was stored with.
struct versioned_data {
  std::uint32_t version = 1;
  bytes_view value;
};

/// Looks at how a value was stored. Version 1 is stored as it is; a higher one within a tag, as [version, value]. Data
/// that is not well formed is of version 1.
[[nodiscard]] versioned_data open_tagged(bytes_view stored) noexcept;
[[nodiscard]] inline versioned_data open_version(bytes_view stored) noexcept {
  constexpr std::byte tag_of_four_bytes{0xda};
  if (stored.empty() || stored.front() != tag_of_four_bytes) [[likely]]
    return {1, stored};
  return open_tagged(stored);
}

/// Begins the data of a version above 1; the value follows.
void write_version(cbor_writer& out, std::uint32_t version);

/// The same for a value that is encoded already. Data that has a version keeps it.
[[nodiscard]] bytes with_version(bytes value, std::uint32_t version);

/// Throws `encoding.invalid` naming the versions if `migrate` throws.
[[nodiscard]] bytes migrate_data(const versioned_data& from, void (*migrate)(json& value, int from), std::uint32_t to);

/// Throws `actor.newer_state`.
[[noreturn]] void refuse_newer(std::uint32_t stored, std::uint32_t known);

/// The encoding of a message or creation input, with its version.
template <class T>
[[nodiscard]] bytes encode_stored(const T& value) {
  if constexpr (stored_version<T>() == 1) {
    return troupe::encode(value);
  } else {
    buffer out;
    cbor_writer writer{out};
    write_version(writer, stored_version<T>());
    write(writer, value);
    return {out.view().begin(), out.view().end()};
  }
}

/// A message or creation input of this version or an older one. Errors: `encoding.invalid`; `actor.newer_state`.
template <class T>
[[nodiscard]] T decode_stored(bytes_view stored) {
  constexpr std::uint32_t known = stored_version<T>();
  if constexpr (known > 1 && names_migrate<T>) {
    static_assert(can_migrate<T>,
                  "troupe: migrate of a message or creation input is `static void migrate(troupe::json& value, int "
                  "from)`");
  }
  const versioned_data data = open_version(stored);
  if (data.version > known) refuse_newer(data.version, known);
  if constexpr (known > 1 && can_migrate<T>) {
    if (data.version < known) {
      const bytes migrated = migrate_data(data, [](json& value, int from) { T::migrate(value, from); }, known);
      return troupe::decode<T>(migrated);
    }
  }
  return troupe::decode<T>(data.value);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
