// SPDX-License-Identifier: Apache-2.0
#include "git.hpp"

namespace git_activity {

std::vector<commit> sample_history() {
  const std::string ada = "Ada <ada@example.com>";
  const std::string alan = "Alan <alan@example.com>";
  const std::string other_alan = "Alan <alan@example.org>";
  return {
      {1, ada, "09", {{"notes.md", {120, 0}}}},
      {2, ada, "10", {{"notes.md", {30, 12}}, {"engine/mill.c", {400, 0}}}},
      {3, alan, "14", {{"engine/store.c", {250, 0}}, {"engine/a drawing.png", {0, 0}}}},
      {4, other_alan, "23", {{"engine/mill.c", {8, 9}}}},
      {5, ada, "10", {}},
      {6, alan, "14", {{"engine/mill.c", {40, 21}}, {"engine/store.c", {5, 5}}, {"notes.md", {1, 1}}}},
      {7, ada, "09", {{"engine/\"quoted\".c", {64, 0}}}},
  };
}

verdict sample_counts() {
  verdict result;
  result.commits = 7;
  result.touched = 10;
  result.changed = {918, 48};
  result.authors = {{"Ada <ada@example.com>", 4}, {"Alan <alan@example.com>", 2}, {"Alan <alan@example.org>", 1}};
  result.files = {{"notes.md", 3}, {"engine/mill.c", 3}, {"engine/store.c", 2}, {"engine/a drawing.png", 1},
                  {"engine/\"quoted\".c", 1}};
  result.hours = {{"09", 2}, {"10", 2}, {"14", 2}, {"23", 1}};
  return result;
}

}  // namespace git_activity
