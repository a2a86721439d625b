// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

namespace troupe {
inline namespace v0 {

/// Labels given to an actor when it is created, to find it by later: `tags{{"owner", "api"}, {"region", "eu"}}`.
/// Tags do not take part in identity. A tag name or value has at most 128 bytes, an actor at most 32 tags.
class tags : public std::map<std::string, std::string, std::less<>> {
 public:
  using map::map;
};

}  // namespace v0
}  // namespace troupe
