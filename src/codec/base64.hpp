// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <troupe/core/bytes.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// Standard base64 (RFC 4648), padded.
std::string base64_encode(bytes_view from);

/// Padding may be missing. Nothing if the text is anything else.
std::optional<bytes> base64_decode(std::string_view text);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
