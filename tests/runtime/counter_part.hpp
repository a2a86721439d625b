// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <troupe/codec/codec.hpp>
#include <troupe/runtime/turn.hpp>

#include "../../src/runtime/actor_part.hpp"
#include "../../src/runtime/cell_messages.hpp"
#include "../../src/runtime/core.hpp"
#include "../../src/runtime/due_times.hpp"
#include "../../src/runtime/part_list.hpp"
#include "../../src/runtime/rows.hpp"

namespace behaviour {

/// A part for tests: counts under names, each in a row. A name that is due counts once more by itself, and wakes its
/// actor for it. An actor type has the part by
///
///     template <>
///     inline constexpr std::span<const troupe::detail::part_entry> troupe::detail::own_parts<my_actor> =
///         behaviour::counter_part::entries;
class counter_part final : public troupe::detail::actor_part {
 public:
  struct row {
    std::int64_t count = 0;
    std::optional<troupe::wall_time> due{};
  };
  using rows = std::map<std::string, row, std::less<>>;

  static constexpr std::uint32_t collection = 70;
  static constexpr std::array<std::uint32_t, 1> collections{collection};
  static std::unique_ptr<actor_part> make(troupe::detail::cell& owner) {
    return std::make_unique<counter_part>(owner);
  }
  static constexpr std::array<troupe::detail::part_entry, 1> entries{troupe::detail::part_entry{
      .make = &counter_part::make, .wakes = true, .collections = collections, .row_bytes_max = 1024}};

  explicit counter_part(troupe::detail::cell& c) : actor_part{c}, bell_{c, &counter_part::ring} {}

  /// That of the actor that runs on this thread.
  static counter_part& mine() { return of(*troupe::detail::this_thread().in_turn->where); }

  // --- in turns of the actor ---

  void add(const std::string& name, std::int64_t by) { change(name).count += by; }
  void set_due(const std::string& name, std::chrono::nanoseconds delay) {
    change(name).due = std::chrono::ceil<std::chrono::milliseconds>(clock().wall() + delay);
    arm();
  }
  void remove(const std::string& name) {
    note(name);
    rows_.erase(name);
    arm();
  }
  [[nodiscard]] const rows& all() const noexcept { return rows_; }

  /// What has become due, as "actor name", in this process.
  static std::vector<std::string>& fired() {
    static std::vector<std::string> names;
    return names;
  }
  /// A load throws; for the next ones.
  static int& loads_that_fail() {
    static int count = 0;
    return count;
  }

  static void reset() {
    fired().clear();
    loads_that_fail() = 0;
  }

  // --- the part ---

  void load(const troupe::detail::stored_rows& stored) override {
    for (const troupe::part_record& each : stored.in(collection)) {
      const auto* const key = reinterpret_cast<const char*>(each.key.data());
      rows_[std::string{key, each.key.size()}] = {troupe::decode<std::int64_t>(each.value), each.due};
    }
    if (loads_that_fail() > 0) {
      --loads_that_fail();
      throw troupe::user_error("unreadable", "the rows of the counter");
    }
    arm();
  }
  void unload(troupe::detail::unload_reason) noexcept override {
    owner.core().exec().cancel(bell_);
    rows_.clear();
    before_.clear();
  }
  [[nodiscard]] std::optional<troupe::wall_time> next_due_row() const noexcept override {
    std::optional<troupe::wall_time> first;
    for (const auto& [name, each] : rows_) {
      if (each.due && (!first || *each.due < *first)) first = each.due;
    }
    return first;
  }
  void record(troupe::detail::row_changes& into) override {
    for (const auto& [name, before] : before_) {
      const auto* const begin = reinterpret_cast<const troupe::bytes::value_type*>(name.data());
      troupe::bytes key{begin, begin + name.size()};
      if (const auto now = rows_.find(name); now != rows_.end()) {
        into.parts().put(collection, std::move(key), troupe::encode(now->second.count), now->second.due);
      } else {
        into.parts().remove(collection, std::move(key));
      }
    }
    before_.clear();
  }
  void roll_back() noexcept override {
    for (auto& [name, before] : std::exchange(before_, {})) {
      if (before) {
        rows_[name] = *before;
      } else {
        rows_.erase(name);
      }
    }
    arm();
  }
  void discard() noexcept override { before_.clear(); }

 private:
  static counter_part& of(troupe::detail::cell& c) { return c.parts().get<counter_part>(); }
  static void ring(troupe::detail::cell& c) noexcept {
    troupe::detail::run_when_due(c, "a look at its counters", [&] { of(c).count_due(); });
  }
  [[nodiscard]] const troupe::clock& clock() const { return owner.core().exec().clock(); }

  void note(const std::string& name) {
    troupe::detail::own_turn(owner, "counter").effects();
    note_change();
    const auto now = rows_.find(name);
    before_.try_emplace(name, now == rows_.end() ? std::nullopt : std::optional{now->second});
  }
  row& change(const std::string& name) {
    note(name);
    return rows_[name];
  }
  void count_due() {
    while (const auto first = next_due_row()) {
      if (*first > clock().wall()) break;
      const auto at = std::ranges::find_if(rows_, [&](const auto& each) { return each.second.due == first; });
      row& due = change(at->first);
      ++due.count;
      due.due.reset();
      fired().push_back(owner.key().segments().front() + " " + at->first);
    }
    arm();
  }
  void arm() noexcept {
    auto& exec = owner.core().exec();
    exec.cancel(bell_);
    if (const auto first = next_due_row()) exec.arm(bell_, owner.core().delays().moment_of(*first));
  }

  rows rows_;
  std::map<std::string, std::optional<row>> before_;  ///< those that the turn has changed, as they were
  troupe::detail::cell_alarm bell_;
};

}  // namespace behaviour
