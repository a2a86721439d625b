// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <troupe/core/bytes.hpp>

namespace troupe {
inline namespace v0 {

/// CBOR as JSON text, without spaces.
///
/// Integers are exact to 64 bits. What JSON lacks becomes the nearest thing: NaN and infinities null, undefined null,
/// a key that is not text its JSON text (keys within keys are refused at the fourth), bytes that are not UTF-8 within
/// text U+FFFD. Byte strings become `["$Uint8Array", "<base64>"]` as RivetKit has it, and an array of two whose first
/// item is text that begins with "$" gets one more "$", so that `from_json` gives the same value back. Errors:
/// `invalid_data` if `cbor` is malformed.
[[nodiscard]] std::string to_json(bytes_view cbor);

/// JSON text as CBOR, the order of members kept.
///
/// Whole numbers within 64 bits stay exact, other numbers become doubles. RivetKit's `["$Uint8Array", base64]`,
/// `["$ArrayBuffer", base64]`, `["$BigInt", "digits"]`, `["$Set", [...]]` and `["$Undefined", 0]` become a byte string,
/// an integer, an array and undefined. Errors: `invalid_data` with the position, for text that is no JSON (RFC 8259,
/// so also if it is not UTF-8), that nests deeper than `cbor_depth_max`, or has an unknown "$" form.
[[nodiscard]] bytes from_json(std::string_view text);

class cbor_reader;

namespace detail {

/// Reads the key of a map. One that is not text is its JSON text, as in `to_json`.
[[nodiscard]] std::string read_json_key(cbor_reader& in);

/// Appends `text` as a JSON string, with quotes.
void append_json_string(std::string& out, std::string_view text);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
