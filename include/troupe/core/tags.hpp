// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>

namespace troupe {
inline namespace v0 {

/// Labels of an actor, to find it by: `tags{{"owner", "api"}, {"region", "eu"}}`. They are given when it is created,
/// and it may change them. Tags do not take part in identity. A tag name or value has at most 128 bytes, an actor at
/// most 32 tags.
class tags : public std::map<std::string, std::string, std::less<>> {
 public:
  using map::map;
};

namespace detail {

/// Throws `actor.invalid_request` if there are too many, or one is too large or has no name.
void check_tags(const tags& labels);

}  // namespace detail

}  // namespace v0
}  // namespace troupe
