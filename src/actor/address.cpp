// SPDX-License-Identifier: Apache-2.0
#include <troupe/actor/address.hpp>

#include <fmt/format.h>

namespace troupe {
inline namespace v0 {
namespace detail {

std::string name_of(const definition& type, const troupe::key& key) {
  const auto& written = key.canonical();
  return type.name + "/" + (written == "/" ? std::string{} : written);
}

std::string address::name() const {
  return how == intent::by_id ? fmt::format("{} {}", type->name, id.str()) : name_of(*type, key);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
