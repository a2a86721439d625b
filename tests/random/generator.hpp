// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <troupe/testing/seeded_random.hpp>

#include "program.hpp"

// A seed becomes a program: first, which verbs, options and faults there are in it at all, each with even chances, then
// its steps. A verb that all programs have hides what happens without it: swarm testing (Groce et al., ISSTA 2012).

namespace random_programs {

using troupe::testing::seeded_random;

/// Where a verb may stand.
enum place_of_verb : unsigned {
  in_host = 1,
  in_action = 2,    ///< a coroutine action
  in_plain = 4,     ///< a plain one
  in_hook = 8,
  in_job = 16,      ///< a message that is handled in one turn
  in_errand = 32,   ///< one that may wait
  in_task = 64,     ///< a background task
};

class drawing;

struct verb_entry {
  std::string_view name;
  unsigned places;
  step (*make)(drawing&);
};

/// All verbs there are.
[[nodiscard]] const std::vector<verb_entry>& known_verbs();

[[nodiscard]] inline step named(std::string_view verb) {
  step s;
  s.verb = verb;
  return s;
}

/// A program in the making.
class drawing {
 public:
  explicit drawing(seeded_random& r) : random{r} {}

  seeded_random& random;
  std::uint64_t actors = 1;
  std::set<std::string, std::less<>> features;
  std::vector<const verb_entry*> enabled;

  [[nodiscard]] bool chance(std::uint64_t one_in) { return random.below(one_in) == 0; }
  [[nodiscard]] bool may(std::string_view feature) const { return features.contains(feature); }
  [[nodiscard]] std::uint32_t actor() { return static_cast<std::uint32_t>(random.below(actors)); }
  /// A duration, short ones more often than long ones.
  [[nodiscard]] std::int64_t us(std::int64_t most) {
    const auto scale = random.below(4);
    return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(most) >> (3 * scale)));
  }
  /// A step that asks an actor for something, with options that all ways of asking have.
  [[nodiscard]] step asking(std::string_view verb);
  /// What happens at such a place.
  [[nodiscard]] script body(unsigned where);
  /// One step there; false if no verb fits.
  [[nodiscard]] bool add_step(script& to, unsigned where);

 private:
  int depth_ = 0;
};

/// Whatever the cut, the same program; with a commit for each actor, faults of those are added.
[[nodiscard]] program generate(std::uint64_t seed, troupe::commit_cut cut = troupe::commit_cut::whole_store);

}  // namespace random_programs
