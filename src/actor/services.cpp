// SPDX-License-Identifier: Apache-2.0
#include <troupe/actor/services.hpp>

#include <utility>

#include <fmt/format.h>

#include <troupe/actor/definition.hpp>
#include <troupe/core/error.hpp>

namespace troupe {
inline namespace v0 {

void services::add(const std::string_view& tag, void* object, std::shared_ptr<const void> owner) {
  if (object == nullptr) {
    throw error(errc::invalid_config, fmt::format("the service {} was given as a null pointer", tag));
  }
  if (find(tag) != nullptr) {
    throw error(errc::invalid_config,
                fmt::format("two services are provided as {0}; provide one of them under another type", tag));
  }
  all_.push_back({&tag, object, std::move(owner)});
}

namespace detail {

void require_services(const definition& d, const services& given) {
  for (const std::string_view* const tag : d.services) {
    if (given.find(*tag) != nullptr) continue;
    throw error(errc::invalid_config,
                fmt::format("the actor \"{}\" needs the service {}, and the runtime was not given it; add it to "
                            "runtime_options::services with provide(std::ref(...)) or provide<{}>(...)",
                            d.name, *tag, *tag));
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
