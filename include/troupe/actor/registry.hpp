// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <troupe/actor/define.hpp>

namespace troupe {
inline namespace v0 {

/// Overrides for one registration.
struct use_options {
  troupe::naming naming = troupe::naming::as_written;
  /// Instead of the definition's own.
  std::optional<troupe::options> options = std::nullopt;
};

/// The actor types that a program serves, by wire name. Fill it, then give it to a runtime, which copies it.
///
///     troupe::registry registry;
///     registry.use<counter>("counter");
///
/// Errors: `config.invalid` for an empty or over-long name, a name or type used twice, two actions of one name.
/// Not thread-safe.
class registry {
 public:
  static constexpr std::size_t name_bytes_max = 64;

  template <class A>
  registry& use(std::string_view name, const use_options& how = use_options{}) {
    auto d = detail::define<A>(std::string{name}, how.naming);
    if (how.options) d.options = *how.options;
    add(std::move(d));
    return *this;
  }

  /// All manifests as one JSON array.
  [[nodiscard]] std::string describe() const;

  [[nodiscard]] const std::vector<std::shared_ptr<const detail::definition>>& definitions() const noexcept {
    return definitions_;
  }

 private:
  void add(detail::definition d);

  std::vector<std::shared_ptr<const detail::definition>> definitions_;
};

}  // namespace v0
}  // namespace troupe
