// SPDX-License-Identifier: Apache-2.0
#include <troupe/actor/definition.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <troupe/core/error.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

// Of more names than these an error tells the number.
constexpr std::size_t names_max = 16;

template <class Entries>
std::string list_entries(const Entries& entries) {
  std::vector<std::string_view> names;
  names.reserve(entries.size());
  for (const auto& each : entries) names.emplace_back(each.name);
  return list_names(names);
}

template <class Entries>
std::uint32_t require_entry(const definition& d, const Entries& entries, std::string_view name, errc missing) {
  using entry = typename Entries::value_type;
  const auto found = std::ranges::find(entries, name, &entry::name);
  if (found == entries.end()) {
    throw error(missing, fmt::format("{}, \"{}\"; {}", d.name, name, list_entries(entries)));
  }
  return static_cast<std::uint32_t>(found - entries.begin());
}

}  // namespace

std::string list_names(const std::vector<std::string_view>& names) {
  if (names.empty()) return "there is none";
  std::string all = "there are";
  for (std::size_t i = 0; i < std::min(names.size(), names_max); ++i) {
    all += fmt::format("{} \"{}\"", i == 0 ? "" : ",", names[i]);
  }
  if (names.size() > names_max) all += fmt::format(" and {} more", names.size() - names_max);
  return all;
}

const action_entry& require_action(const definition& d, std::string_view name) {
  const action_entry* const found = d.find(name);
  if (found != nullptr) return *found;
  throw error(errc::action_not_found, fmt::format("{}.{}; {}", d.name, name, list_entries(d.actions)));
}

std::uint32_t require_event(const definition& d, std::string_view name) {
  return require_entry(d, d.events, name, errc::event_not_declared);
}

std::uint32_t require_queue(const definition& d, std::string_view name) {
  return require_entry(d, d.queues, name, errc::queue_not_declared);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
