// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include <troupe/actor/definition.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// Throws `config.invalid` if an actor of this definition can come to have more than the store takes in one value. When
/// it has, it is too late to refuse it.
void check_fits_store(const definition& d, std::size_t value_bytes_max);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
