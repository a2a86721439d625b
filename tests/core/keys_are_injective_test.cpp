// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/core/error.hpp>
#include <troupe/core/key.hpp>

#include "core/failures.hpp"

using list = std::vector<std::string>;
using troupe::key;

namespace {

// Every list of up to `length` segments, each of up to two of the characters that the encoding treats specially.
std::vector<list> tricky_lists(std::size_t length) {
  const list letters{"/", "\\", "0", "a"};
  list segments{""};
  for (const auto& one : letters) {
    segments.push_back(one);
    for (const auto& other : letters) segments.push_back(one + other);
  }
  std::vector<list> all{list{}};
  for (std::size_t from = 0, depth = 0; depth < length; ++depth) {
    const std::size_t until = all.size();
    for (std::size_t i = from; i < until; ++i) {
      for (const auto& s : segments) {
        list longer = all[i];
        longer.push_back(s);
        all.push_back(std::move(longer));
      }
    }
    from = until;
  }
  return all;
}

}  // namespace

TEST_CASE("the canonical form is the reference's", "[core]") {
  CHECK(key{}.canonical() == "/");
  CHECK(key{"home"}.canonical() == "home");
  CHECK(key{"org-7", "alice"}.canonical() == "org-7/alice");
  CHECK(key{"a/b"}.canonical() == "a\\/b");
  CHECK(key{"a\\b"}.canonical() == "a\\\\b");
  CHECK(key{""}.canonical() == "\\0");
  CHECK(key{"", ""}.canonical() == "\\0/\\0");
}

TEST_CASE("different lists are different keys, and every key gives its list back", "[core]") {
  std::map<std::string, list> seen;
  bool whole = true;
  for (const auto& segments : tricky_lists(3)) {
    const key k{segments};
    whole = whole && seen.emplace(k.canonical(), segments).second && k.segments() == segments &&
            key::parse(k.canonical()) == k;
  }
  CHECK(whole);
  CHECK(seen.size() == 1 + 21 + 21 * 21 + 21 * 21 * 21);
}

TEST_CASE("a plain string is the list of that one string", "[core]") {
  CHECK(key{"k"} == key{list{"k"}});
  CHECK(key{std::string{"k"}} == key{"k"});
  CHECK(key{"a", "b"} != key{"a/b"});
  CHECK(key{"a", "b"} != key{"a"});
  CHECK(key{""} != key{});
  CHECK(std::hash<key>{}(key{"a", "b"}) == std::hash<key>{}(key{list{"a", "b"}}));
}

TEST_CASE("parsing follows the reference where the text is not canonical", "[core]") {
  CHECK(key::parse("") == key{});
  CHECK(key::parse("/") == key{});
  CHECK(key::parse("a\\").segments() == list{"a\\"});
  CHECK(key::parse("a//b").segments() == list{"a", "", "b"});
  CHECK(key::parse("\\a").segments() == list{"a"});
}

TEST_CASE("any bytes can be a key, also zero", "[core]") {
  const std::string odd{"\0\xff\n", 3};
  CHECK(key{odd, odd}.segments() == list{odd, odd});
}

TEST_CASE("a key over its limits is refused and says which", "[core]") {
  const std::string longest(key::segment_bytes_max, 'x');
  CHECK(key{longest}.segments() == list{longest});
  CHECK(code_of([&] { key{longest + "x"}; }) == "actor.key_too_large");
  CHECK_THAT(message_of([&] { key{longest + "x"}; }), Catch::Contains("129 bytes") && Catch::Contains("128"));

  list most(7, longest);  // 902 bytes with the slashes between them
  most.emplace_back(120, 'x');
  CHECK(key{most}.canonical().size() == 1023);
  most.back() += 'x';
  CHECK(key{most}.canonical().size() == key::canonical_bytes_max);
  most.back() += 'x';
  CHECK(code_of([&] { key{most}; }) == "actor.key_too_large");
  // Escapes count: what the store and the wire carry is limited, not what was written.
  CHECK(code_of([&] { key{list(5, std::string(128, '/'))}; }) == "actor.key_too_large");
  CHECK(code_of([&] { static_cast<void>(key::parse(longest + "x")); }) == "actor.key_too_large");
}
