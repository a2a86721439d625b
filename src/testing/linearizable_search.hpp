// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <troupe/testing/linearizable_model.hpp>

namespace troupe {
inline namespace v0 {
namespace testing {
namespace detail {

/// A set of small numbers, as words of bits.
class number_set {
 public:
  explicit number_set(std::size_t count) : words_((count + 63) / 64) {}

  void insert(std::size_t n) noexcept { words_[n / 64] |= bit(n); }
  void erase(std::size_t n) noexcept { words_[n / 64] &= ~bit(n); }
  [[nodiscard]] bool contains(std::size_t n) const noexcept { return (words_[n / 64] & bit(n)) != 0; }
  [[nodiscard]] const std::vector<std::uint64_t>& words() const noexcept { return words_; }

 private:
  static constexpr std::uint64_t bit(std::size_t n) noexcept { return std::uint64_t{1} << (n % 64); }

  std::vector<std::uint64_t> words_;
};

/// Where the search has been: which operations had taken effect, and the state they left. Lowe's cache.
class visited_configurations {
 public:
  static constexpr std::size_t size_max = std::numeric_limits<std::uint32_t>::max() - 1;

  explicit visited_configurations(const history_partition& partition) : partition_{partition} {}

  /// False if the search has been here, or where fewer operations of unknown outcome had led to the same: whatever is
  /// possible with some of them used up is possible with them still to come.
  [[nodiscard]] bool insert(const number_set& answered, const number_set& unknown, std::size_t state);
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  /// The size, or more if the entries have many others to be compared with.
  [[nodiscard]] std::size_t effort() const noexcept { return std::max(entries_.size(), comparisons_ / 32); }

 private:
  // Words of all ones in front and of zeros behind are not stored: all but the operations around the present one.
  struct entry {
    std::uint64_t hash;  // of all but the unknown
    std::size_t state;
    std::size_t words;  // where they begin: first the answered, then the unknown
    std::uint32_t skipped;
    std::uint32_t answered;
    std::uint32_t unknown;
    std::uint32_t next;  // with the same hash; its number plus one
  };

  [[nodiscard]] bool covers(const entry& old, const entry& now) const;
  void grow();

  const history_partition& partition_;
  std::vector<std::uint64_t> words_;
  std::vector<entry> entries_;
  std::size_t comparisons_ = 0;
  std::vector<std::uint32_t> buckets_ = std::vector<std::uint32_t>(1024);
};

/// How far the search got: the longest part of the history that some order explains.
struct dead_end {
  std::vector<std::size_t> order;  ///< explains all that ended before `culprit` did; one of the shortest found
  std::size_t state = 0;           ///< after it
  std::size_t culprit = 0;         ///< the operation that has no place in any such order
};

/// Depth first through the orders of a partition's operations (Wing and Gong, 1993). The calls and returns that have
/// no place in the order yet are a list in the order of time: what is called before the first return in it may come
/// next. Operations of unknown outcome have no return and are tried last.
class order_search {
 public:
  enum class outcome : std::uint8_t { found, none, gave_up };

  order_search(history_partition& partition, std::size_t configurations_max);

  [[nodiscard]] outcome run();
  [[nodiscard]] std::size_t configurations() const noexcept { return visited_.size(); }
  /// If there is no order.
  [[nodiscard]] const dead_end& furthest() const noexcept { return furthest_; }

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  // A call or a return of an operation whose answer is known. The first one, 0, is neither: the list begins there.
  struct event {
    std::size_t time = 0;
    std::size_t operation = none;
    std::size_t match = none;  // of a call: its return
    std::size_t previous = 0;
    std::size_t next = 0;

    [[nodiscard]] bool is_return() const noexcept { return match == none; }
  };
  struct step {
    std::size_t operation;
    std::size_t before;   // the state
    std::size_t event;    // its call; of an unknown one: the first return in the list
    std::size_t unknown;  // its place in unknown_, or none
  };

  void list_events();
  void find_twins();
  [[nodiscard]] bool place_next();
  [[nodiscard]] bool place_answered(std::size_t call);
  [[nodiscard]] bool place_unknown(std::size_t number);
  [[nodiscard]] bool hides_the_last(std::size_t operation, std::size_t state);
  [[nodiscard]] bool enter(std::size_t state, const step& s);
  void take_back();
  void note_dead_end();
  void lift(std::size_t call) noexcept;
  void put_back(std::size_t call) noexcept;

  history_partition& partition_;
  const std::size_t configurations_max_;
  std::vector<event> events_{event{}};
  std::vector<std::size_t> rank_;     // of operations with an answer: by their ends
  std::vector<std::size_t> unknown_;  // operations
  std::vector<std::size_t> twin_;     // of each unknown one: the latest before it that asks the same
  std::size_t open_ = 0;              // operations with an answer that have no place yet

  number_set answered_placed_;  // ranks
  number_set unknown_placed_;   // places in unknown_
  visited_configurations visited_;
  std::vector<step> steps_;
  std::size_t state_ = 0;
  std::size_t at_event_ = 0;    // what to try next
  std::size_t at_unknown_ = 0;
  std::size_t furthest_time_ = 0;
  dead_end furthest_;
};

}  // namespace detail
}  // namespace testing
}  // namespace v0
}  // namespace troupe
