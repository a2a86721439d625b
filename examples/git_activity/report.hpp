// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "git.hpp"
#include "history.hpp"

namespace git_activity {

/// A bar that fills. Drawn over itself in a terminal, and as one line when it is full or given up elsewhere.
class bar {
 public:
  bar(std::string_view label, std::uint64_t of) : label_{label}, of_{of} {}
  void show(std::uint64_t done) const;
  /// The last drawing, with how it ended.
  void end(std::uint64_t done, std::string_view how) const;

 private:
  std::string label_;
  std::uint64_t of_;
};

/// Colours in a terminal, and the text alone elsewhere.
[[nodiscard]] std::string strong(std::string_view text);
[[nodiscard]] std::string faint(std::string_view text);
[[nodiscard]] std::string good(std::string_view text);
[[nodiscard]] std::string bad(std::string_view text);

void print_leaderboard(const summary& counted);

/// Compares number by number, prints every difference, and returns whether there was none.
[[nodiscard]] bool print_comparison(const summary& found, const verdict& expected, std::string_view witness);

}  // namespace git_activity
