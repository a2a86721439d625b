// SPDX-License-Identifier: Apache-2.0
// Random programs over the whole API: makes one from each seed, runs it, and compares what happens with what the
// documentation promises. A program that breaks a promise is made smaller and printed as a test.
//
//   random_programs                       seeds 1 to 300
//   random_programs --seeds 5000          1 to 5000
//   random_programs --seconds 60          as many as a minute takes
//   random_programs --seed 17             this one, and prints it
//   random_programs --allow stop_token_before,chain
//   random_programs --threads 4           on threads, in real time
//   random_programs --survey              goes on after a failure, and counts what fails
//
// TROUPE_SEED and TROUPE_SEEDS stand for --seed and --seeds; TROUPE_TRACE=1 shows the simulation's trace.

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <troupe/core/random.hpp>

#include "drivers.hpp"
#include "generator.hpp"
#include "shrinker.hpp"

namespace {

using namespace random_programs;

struct settings {
  std::uint64_t seeds = 300, first = 1;
  std::optional<std::uint64_t> seed;
  std::optional<std::chrono::seconds> seconds;
  std::set<std::string> allowed;
  unsigned threads = 0;
  troupe::commit_cut cut = troupe::commit_cut::whole_store;
  bool survey = false, shrinks = true;
};

[[noreturn]] void fail(const std::string& why) {
  std::fputs(fmt::format("random_programs: {}\n", why).c_str(), stderr);
  std::exit(2);
}

std::uint64_t number(std::string_view text) {
  std::uint64_t n = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (end != text.data() + text.size() || problem != std::errc{}) fail(fmt::format("{} is no number", text));
  return n;
}

void set_seeds(settings& s, const std::string& value) {
  if (value == "forever") {
    s.first = troupe::system_random{}.next() >> 20;
    s.seeds = UINT64_MAX >> 1;
  } else {
    s.seeds = number(value);
  }
}

settings read(int argc, char** argv) {
  settings s;
  if (const char* const v = std::getenv("TROUPE_SEEDS"); v != nullptr) set_seeds(s, v);
  if (const char* const v = std::getenv("TROUPE_SEED"); v != nullptr) s.seed = number(v);
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--survey") {
      s.survey = true;
      continue;
    }
    if (option == "--no-shrinking") {
      s.shrinks = false;
      continue;
    }
    if (i + 1 == argc) fail(fmt::format("{} needs a value", option));
    const std::string value = argv[++i];
    if (option == "--seeds") {
      set_seeds(s, value);
    } else if (option == "--first") {
      s.first = number(value);
    } else if (option == "--seed") {
      s.seed = number(value);
    } else if (option == "--seconds") {
      s.seconds = std::chrono::seconds{number(value)};
      s.seeds = UINT64_MAX >> 1;
    } else if (option == "--threads") {
      s.threads = static_cast<unsigned>(number(value));
    } else if (option == "--cut") {
      if (value != "per_actor" && value != "whole_store") fail(fmt::format("there is no cut {}", value));
      s.cut = value == "per_actor" ? troupe::commit_cut::per_actor : troupe::commit_cut::whole_store;
    } else if (option == "--allow") {
      for (std::size_t at = 0; at < value.size();) {
        const auto end = std::min(value.find(',', at), value.size());
        s.allowed.insert(value.substr(at, end - at));
        at = end + 1;
      }
    } else {
      fail(fmt::format("there is no option {}", option));
    }
  }
  return s;
}

result run(const settings& s, const program& p) {
  return s.threads != 0 ? run_on_threads(p, s.allowed, s.threads) : simulate(p, s.allowed);
}

void report(const settings& s, const program& p, const result& r, const char* name) {
  const std::string line =
      fmt::format("troupe: seed {} failed: {}\n  to see it again: {}{} --seed {}\n", p.seed, r.what, name,
                  s.cut == troupe::commit_cut::per_actor ? " --cut per_actor" : "", p.seed);
  std::fputs(line.c_str(), stderr);
  if (!s.shrinks || s.threads != 0) return;
  const bool traced = std::getenv("TROUPE_TRACE") != nullptr;
  ::unsetenv("TROUPE_TRACE");
  result last = r;
  const auto small = shrink(p, [&](const program& smaller) {
    const auto again = simulate(smaller, s.allowed);
    if (again.rule != r.rule) return false;
    last = again;
    return true;
  });
  const std::string outcome = fmt::format("of {} steps, {} are left: {}\n\n{}", size_of(p), size_of(small), last.what,
                                          as_test(small));
  std::fputs(outcome.c_str(), stderr);
  if (!traced) return;
  ::setenv("TROUPE_TRACE", "1", 1);
  static_cast<void>(simulate(small, s.allowed));
}

}  // namespace

int main(int argc, char** argv) {
  const settings s = read(argc, argv);
  if (s.seed) {
    const auto p = generate(*s.seed, s.cut);
    const auto r = run(s, p);
    if (r.rule.empty()) {
      std::fputs(fmt::format("{}seed {}: nothing is wrong\n", as_test(p), *s.seed).c_str(), stdout);
      return 0;
    }
    report(s, p, r, argv[0]);
    return 1;
  }
  using clock = std::chrono::steady_clock;
  const auto until = s.seconds ? clock::now() + *s.seconds : clock::time_point::max();
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> failed;  // how often, and the first seed
  result sum;
  std::uint64_t count = 0;
  for (std::uint64_t seed = s.first; count < s.seeds && clock::now() < until; ++seed, ++count) {
    if (std::getenv("TROUPE_VERBOSE") != nullptr) std::fputs(fmt::format("seed {}\n", seed).c_str(), stderr);
    const auto p = generate(seed, s.cut);
    auto r = run(s, p);
    constexpr std::uint64_t one_in = 64;
    if (s.threads == 0 && seed % one_in == 0 && r.rule.empty() && simulate(p, s.allowed).hash != r.hash) {
      r.rule = "replay";
      r.what = "replay: the same program has run in another way";
    }
    sum.steps += r.steps;
    sum.crashes += r.crashes;
    sum.effects += r.effects;
    sum.answered += r.answered;
    sum.refused += r.refused;
    sum.open += r.open;
    if (r.rule.empty()) continue;
    if (!s.survey) {
      report(s, p, r, argv[0]);
      return 1;
    }
    auto& [times, first] = failed.try_emplace(r.rule, 0, seed).first->second;
    if (times++ != 0) continue;
    std::fputs(fmt::format("seed {}: {}\n", seed, r.what).c_str(), stdout);
    std::fflush(stdout);
  }
  std::fputs(fmt::format("{} programs, {} effects ({} answered, {} refused, {} open), {} crashes, {} steps\n", count,
                         sum.effects, sum.answered, sum.refused, sum.open, sum.crashes, sum.steps)
                 .c_str(),
             stdout);
  for (const auto& [rule, found] : failed) {
    std::fputs(fmt::format("  {}: {} times, first with seed {}\n", rule, found.first, found.second).c_str(), stdout);
  }
  return failed.empty() ? 0 : 1;
}
