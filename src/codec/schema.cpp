// SPDX-License-Identifier: Apache-2.0
#include <troupe/codec/schema.hpp>

#include <fmt/format.h>

#include <troupe/codec/json_text.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

std::string schema_text(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string schema_object(std::initializer_list<schema_member> members) {
  std::string out{'{'};
  for (const schema_member& member : members) {
    if (member.name.empty()) continue;
    if (out.size() > 1) out += ',';
    append_json_string(out, member.name);
    out += ':';
    out += member.value;
  }
  return out += '}';
}

std::string schema_array(std::initializer_list<std::string> items) {
  std::string out{'['};
  for (const std::string& item : items) {
    if (out.size() > 1) out += ',';
    out += item;
  }
  return out += ']';
}

std::string schema_fraction(std::int64_t numerator, std::int64_t denominator) {
  return schema_text(fmt::format("{}/{}", numerator, denominator));
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
