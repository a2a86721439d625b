// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <troupe/store/store.hpp>
#include <troupe/testing/faults.hpp>

// A random program is a value: what each host does, what the actors' hooks do, what the driver does to the process, and
// what goes wrong. It can be printed as a test and made smaller.

namespace random_programs {

/// One verb with its options. `how` is a list of words, separated by blanks; each verb says which it knows.
struct step {
  std::string verb;
  std::uint32_t to = 0;      ///< the actor that it concerns, by its place in `program::actors`
  std::string how;
  std::int64_t us = -1;      ///< a time-out, or how long something takes, in microseconds; -1: the default
  std::int64_t after = 0;    ///< a moment, in microseconds from the beginning of the step
  std::vector<step> body;    ///< what the other side does

  bool operator==(const step&) const = default;

  [[nodiscard]] bool is(std::string_view word) const noexcept {
    for (std::size_t at = 0; at < how.size();) {
      const auto end = std::min(how.find(' ', at), how.size());
      if (std::string_view{how}.substr(at, end - at) == word) return true;
      at = end + 1;
    }
    return false;
  }
};

using script = std::vector<step>;

enum class kind : std::uint8_t {
  bare,       ///< committed, without hooks or queues
  committed,  ///< with all hooks, two queues and a run loop; and so the others
  relaxed,
  ephemeral,
};
inline constexpr std::uint64_t kinds = 4;

/// What an actor's hook does when it is called for the next time; afterwards it does nothing.
struct hook_script {
  std::uint32_t actor = 0;
  std::string hook;
  script body;
};

/// A field of `troupe::testing::faults` by name, and its probability.
struct fault_choice {
  std::string name;
  double probability = 0;
};

struct program {
  std::uint64_t seed = 1;
  std::vector<kind> actors;
  std::vector<script> hosts;
  std::vector<hook_script> hooks;
  script driver;
  std::vector<fault_choice> faults;
  troupe::commit_cut cut = troupe::commit_cut::whole_store;
};

/// The names that `fault_choice` may have, but for those of commits of single actors.
[[nodiscard]] const std::vector<std::string>& fault_names();
[[nodiscard]] troupe::testing::faults faults_of(const program& p);

/// The number of steps, bodies included.
[[nodiscard]] std::size_t size_of(const program& p) noexcept;

/// Whether the verb occurs in it.
[[nodiscard]] bool has_verb(const program& p, std::string_view verb) noexcept;

/// The program as a C++ test.
[[nodiscard]] std::string as_test(const program& p);

}  // namespace random_programs
