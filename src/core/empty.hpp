// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

namespace troupe {
inline namespace v0 {
namespace detail {

/// Empties a vector whose memory is for the next ones; what one uncommonly large use has made of it is given back.
template <class T>
void empty(std::vector<T>& v) noexcept {
  constexpr std::size_t spare_bytes_max = std::size_t{4} << 20;
  if (v.capacity() > spare_bytes_max / sizeof(T)) v = {};
  v.clear();
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
