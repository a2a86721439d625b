// SPDX-License-Identifier: Apache-2.0
#include <troupe/core/tags.hpp>

#include <cstddef>

#include <fmt/format.h>

#include <troupe/core/error.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

constexpr std::size_t tags_max = 32;
constexpr std::size_t tag_bytes_max = 128;

}  // namespace

void check_tags(const tags& labels) {
  if (labels.size() > tags_max) {
    throw error(errc::invalid_request, fmt::format("an actor has at most {} tags, not {}", tags_max, labels.size()));
  }
  for (const auto& [name, value] : labels) {
    if (name.empty()) throw error(errc::invalid_request, "the name of a tag may not be empty");
    if (name.size() > tag_bytes_max || value.size() > tag_bytes_max) {
      throw error(
          errc::invalid_request,
          fmt::format("the tag \"{:.32}\" is too large: name and value have at most {} bytes", name, tag_bytes_max));
    }
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
