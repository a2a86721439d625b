// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a repository tells, as plain data: the same whether actors counted it or git did.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <troupe/core/key.hpp>

namespace git_activity {

struct lines {
  std::uint64_t added = 0;
  std::uint64_t deleted = 0;

  lines& operator+=(const lines& other) {
    added += other.added;
    deleted += other.deleted;
    return *this;
  }
  friend bool operator==(const lines&, const lines&) = default;
};

struct change {
  std::string path;
  lines delta;  ///< nothing, for a binary file
};

struct commit {
  std::uint64_t number = 0;     ///< 1 is the oldest
  std::string author;           ///< "Name <email>": people may share a name
  std::string hour;             ///< of the author's day, "00" to "23"
  std::vector<change> changes;  ///< each path once; none for a merge

  [[nodiscard]] lines sum() const {
    lines all;
    for (const change& each : changes) all += each.delta;
    return all;
  }
};

struct tally {
  std::uint64_t count = 0;
  lines changed;
};

struct progress {
  std::uint64_t done = 0;
  std::uint64_t repeats = 0;
};

struct summary {
  std::uint64_t commits = 0;
  std::map<std::string, tally> authors, files;
  std::map<std::string, std::uint64_t> hours;
};

/// A key for a name or path of any length and any bytes. A segment of a key has a limit: longer text goes into several.
/// Text that is too long for any key ends in its hash instead.
[[nodiscard]] troupe::key key_of(std::string_view text);

}  // namespace git_activity
