// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "history.hpp"

namespace git_activity {

/// What git itself counts, by other commands than those that the history was read with.
struct verdict {
  std::uint64_t commits = 0;
  std::uint64_t touched = 0;  ///< files changed, over all commits
  lines changed;
  std::map<std::string, std::uint64_t> authors, files, hours;
};

/// A repository that is only read: the commit that was checked out at first, and what led to it.
class git {
 public:
  explicit git(std::string path);

  /// Whether there are git and, at the path, a repository.
  [[nodiscard]] bool is_there() const;
  /// False as long as nothing is committed.
  [[nodiscard]] bool has_commits() const { return !head_.empty(); }

  /// All that HEAD was made of, oldest first.
  [[nodiscard]] std::vector<commit> history() const;
  [[nodiscard]] verdict counts() const;

 private:
  [[nodiscard]] std::optional<std::string> try_run(const std::vector<std::string>& arguments) const;
  [[nodiscard]] std::string run(const std::vector<std::string>& arguments) const;

  std::string path_;
  std::string head_;  ///< its hash: somebody may commit while we count
};

/// Seven commits for machines without git, and what they come to, counted by hand.
[[nodiscard]] std::vector<commit> sample_history();
[[nodiscard]] verdict sample_counts();

}  // namespace git_activity
