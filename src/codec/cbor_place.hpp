// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include <troupe/core/bytes.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// The low five bits of a head whose length is not given.
inline constexpr unsigned cbor_indefinite = 31;

/// The way to the item at `offset` of an encoding: "messages[3].sender", or "" for the whole of it. It is worked out
/// from the bytes when something is wrong with them, so that reading need not keep track. Never fails; where the data
/// is malformed, the way ends.
std::string cbor_path(bytes_view encoded, std::size_t offset);

/// What stands at `offset`, in words: "the integer 7", "an array", "the end of the data".
std::string cbor_found(bytes_view encoded, std::size_t offset);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
