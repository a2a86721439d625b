// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <troupe/codec/json_fwd.hpp>
#include <troupe/core/bytes.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// The CBOR of `after`, which has been made by editing `before`, which `encoded` reads as. A value that is the same as
/// before keeps its bytes, since JSON has no form for all of CBOR: keys that are not text, tags, `undefined`, the bits
/// of a NaN. The same is:
/// - a value at the same place; in a list, also one that moved because others before it came or went;
/// - the key of a member whose value changed;
/// - a value whose member has another name now.
/// A key that is new in a map without text keys is the value that it is the JSON of.
///
/// Errors: `invalid_data` if `after` is nested deeper than `cbor_depth_max`.
[[nodiscard]] bytes encode_edited(bytes_view encoded, const json& before, const json& after);

/// Brings stored data up to date with a type's `migrate`. Values that it leaves alone keep their bytes.
[[nodiscard]] bytes migrate_encoded(bytes_view stored, void (*migrate)(json& value, int from), std::uint32_t from);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
