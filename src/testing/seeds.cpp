// SPDX-License-Identifier: Apache-2.0
#include <troupe/testing/seeds.hpp>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include <troupe/core/error.hpp>
#include <troupe/core/random.hpp>

namespace troupe {
inline namespace v0 {
namespace testing {
namespace {

std::optional<std::string> variable(const char* name) {
  const char* const value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::uint64_t number(const char* name, const std::string& value) {
  std::uint64_t n = 0;
  const char* const last = value.data() + value.size();
  const auto [end, problem] = std::from_chars(value.data(), last, n);
  if (end != last || problem != std::errc{}) {
    throw error(errc::invalid_config, fmt::format("{}={} is no number", name, value));
  }
  return n;
}

bool is_plain(std::string_view argument) {
  return argument.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%") ==
         std::string_view::npos;
}

/// This program with its arguments, as one would type it; where the system does not tell, a sentence.
std::string command_line() {
  std::ifstream file{"/proc/self/cmdline", std::ios::binary};
  const std::string raw{std::istreambuf_iterator<char>{file}, {}};
  std::string line;
  for (std::size_t at = 0; at < raw.size();) {
    const std::string_view argument{raw.c_str() + at};
    at += argument.size() + 1;
    if (!line.empty()) line += ' ';
    line += is_plain(argument) && !argument.empty() ? std::string{argument} : fmt::format("'{}'", argument);
  }
  return line.empty() ? "and this program again" : line;
}

void run_one(std::uint64_t seed, const std::function<void(std::uint64_t)>& body) {
  try {
    body(seed);
  } catch (...) {
    std::string what;
    try {
      throw;
    } catch (const std::exception& e) {
      what = fmt::format(": {}", e.what());
    } catch (...) {  // a test framework's own: it tells by itself
    }
    std::fputs(fmt::format("troupe: seed {} failed{}\n  to see it again: TROUPE_SEED={} {}\n", seed, what, seed,
                           command_line())
                   .c_str(),
               stderr);
    throw;
  }
}

}  // namespace

void for_each_seed(std::uint64_t count, const std::function<void(std::uint64_t seed)>& body) {
  if (const auto only = variable("TROUPE_SEED")) return run_one(number("TROUPE_SEED", *only), body);
  std::uint64_t first = 1;
  bool for_ever = false;
  if (const auto many = variable("TROUPE_SEEDS")) {
    for_ever = *many == "forever";
    if (for_ever) {
      first = system_random{}.next() >> 20;  // short enough to type
    } else {
      count = number("TROUPE_SEEDS", *many);
    }
  }
  for (std::uint64_t n = 0; for_ever || n < count; ++n) run_one(first + n, body);
}

}  // namespace testing
}  // namespace v0
}  // namespace troupe
