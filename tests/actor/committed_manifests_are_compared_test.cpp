// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include <catch2/catch.hpp>

#include <troupe/testing.hpp>
#include <troupe/troupe.hpp>

#include "store/temporary_directory.hpp"

using Catch::Matchers::Contains;
using troupe::testing::matches_file;

namespace {

void write(const std::string& path, const std::string& text) { std::ofstream{path, std::ios::binary} << text; }

std::string read(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

// Lets files be rewritten for as long as it lives.
struct permission_to_write {
  permission_to_write() { ::setenv("TROUPE_UPDATE_FILES", "1", 1); }
  ~permission_to_write() { ::unsetenv("TROUPE_UPDATE_FILES"); }
};

struct no_permission {
  no_permission() { ::unsetenv("TROUPE_UPDATE_FILES"); }
};

struct counter {
  int count = 0;
  int add(int n) { return count += n; }
  using actor = troupe::actor<counter, &counter::add>;
};

}  // namespace

TEST_CASE("a text that a file says matches it, newline or not", "[testing]") {
  const no_permission none;
  const temporary_directory directory;
  const auto path = directory / "counter.json";
  write(path, "{}\n");
  CHECK(matches_file("{}", path));
  CHECK(matches_file("{}\n", path));
  CHECK(matches_file("{}", path).explanation().empty());
  write(path, "{}");
  CHECK(matches_file("{}", path));
  CHECK_FALSE(matches_file("{}\n\n", path));
}

TEST_CASE("a difference is shown where it begins, and what to do about it", "[testing]") {
  const no_permission none;
  const temporary_directory directory;
  const auto path = directory / "counter.json";
  const std::string long_start(200, 'x');
  write(path, "first\nsecond " + long_start + "red\nthird\n");
  const auto match = matches_file("first\nsecond " + long_start + "blue\nthird\n", path);
  CHECK_FALSE(match);
  CHECK_THAT(match.explanation(), Contains(path) && Contains("line 2, column 208") && Contains("xxred\n") &&
                                      Contains("xxblue\n") && Contains("TROUPE_UPDATE_FILES=1"));
  CHECK_THAT(match.explanation(), !Contains(long_start) && !Contains("third"));
  std::ostringstream printed;
  printed << match;
  CHECK(printed.str() == match.explanation());
  CHECK(read(path) == "first\nsecond " + long_start + "red\nthird\n");
}

TEST_CASE("texts of which one begins with the other differ where the shorter ends", "[testing]") {
  const no_permission none;
  const temporary_directory directory;
  const auto path = directory / "list";
  write(path, "a\nb\n");
  CHECK_THAT(matches_file("a", path).explanation(), Contains("line 1, column 2"));
  CHECK_THAT(matches_file("a\nb\nc", path).explanation(), Contains("line 2, column 2"));
  CHECK_THAT(matches_file("", path).explanation(), Contains("line 1, column 1"));
}

TEST_CASE("a missing file is written when that is asked for, and only then", "[testing]") {
  const no_permission none;
  const temporary_directory directory;
  const auto path = directory / "counter.json";
  CHECK_THAT(matches_file("{}", path).explanation(), Contains("cannot be read") && Contains("TROUPE_UPDATE_FILES=1"));
  CHECK_FALSE(std::filesystem::exists(path));
  {
    const permission_to_write given;
    CHECK(matches_file(troupe::describe<counter>(), path));
    CHECK_THAT(matches_file("{}", directory / "no/such/place").explanation(), Contains("cannot be written"));
  }
  CHECK(read(path) == troupe::describe<counter>() + "\n");
  CHECK(matches_file(troupe::describe<counter>(), path));
}
