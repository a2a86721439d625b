// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace troupe {
inline namespace v0 {
namespace detail {

/// The numbers that stand for definitions' names in rows. A number, once given, stays, also when the commit that was to
/// store it fails: then the next one stores it. So readers, who may see a row before its commit has returned, know
/// every number that can be in a row.
class definition_names {
 public:
  struct entry {
    std::int64_t number = 0;
    bool stored = false;  ///< for the committing thread only
  };

  /// From any thread.
  [[nodiscard]] std::optional<std::int64_t> number(std::string_view name) const {
    const std::shared_lock lock{mutex_};
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) return std::nullopt;
    return found->second.number;
  }

  /// From any thread; nothing if no such number was given.
  [[nodiscard]] std::optional<std::string> name(std::int64_t number) const {
    const std::shared_lock lock{mutex_};
    const auto found = by_number_.find(number);
    if (found == by_number_.end()) return std::nullopt;
    return std::string{found->second};
  }

  /// From the committing thread only. Entries stay where they are.
  [[nodiscard]] entry& get_or_add(std::string_view name) {
    const auto found = by_name_.find(name);
    if (found != by_name_.end()) return found->second;
    return add(name, last_ + 1, false);
  }

  entry& add(std::string_view name, std::int64_t number, bool stored) {
    const std::unique_lock lock{mutex_};
    const auto at = by_name_.emplace(name, entry{number, stored}).first;
    by_number_.emplace(number, at->first);
    if (number > last_) last_ = number;
    return at->second;
  }

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, entry, std::less<>> by_name_;
  std::unordered_map<std::int64_t, std::string_view> by_number_;
  std::int64_t last_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
