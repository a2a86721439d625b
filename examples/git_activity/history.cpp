// SPDX-License-Identifier: Apache-2.0
#include "history.hpp"

#include <fmt/format.h>

namespace git_activity {

troupe::key key_of(std::string_view text) {
  constexpr std::size_t whole_bytes_max = 448;  // the canonical form may take twice as many
  std::string shortened;
  if (text.size() > whole_bytes_max) {
    std::uint64_t hash = 14695981039346656037U;  // FNV-1a
    for (const char each : text) hash = (hash ^ static_cast<unsigned char>(each)) * 1099511628211U;
    // A path has no zero byte, so no short one looks like this.
    shortened = fmt::format("{}{}{}-{:016x}", text.substr(0, whole_bytes_max - 64), '\0', text.size(), hash);
    text = shortened;
  }
  std::vector<std::string> segments;
  for (; text.size() > troupe::key::segment_bytes_max; text.remove_prefix(troupe::key::segment_bytes_max)) {
    segments.emplace_back(text.substr(0, troupe::key::segment_bytes_max));
  }
  segments.emplace_back(text);
  return troupe::key{segments};
}

}  // namespace git_activity
