// SPDX-License-Identifier: Apache-2.0
// A migration sees a state as JSON, which has no form for all of CBOR: what it leaves alone is as it was, to the bit.

#include <array>
#include <cstddef>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/json.hpp>

#include "../codec/hex.hpp"
#include "world.hpp"

using namespace behaviour;

namespace {

/// One item of CBOR, as it is.
struct opaque {
  troupe::bytes item = unhex("f6");
};

}  // namespace

template <>
struct troupe::codec<opaque> {
  static void write(troupe::cbor_writer& out, const opaque& value) { out.raw(troupe::bytes_view{value.item}); }
  static void read(troupe::cbor_reader& in, opaque& value) {
    const troupe::bytes_view item = in.skip();
    value.item.assign(item.begin(), item.end());
  }
};

namespace {

using place = std::pair<int, std::string>;

struct shelf {
  int row = 0;
  std::map<place, int> books;
};

struct library_before {
  std::map<std::string, opaque> items;
  std::map<place, int> by_place;
  std::map<troupe::bytes, std::string> by_data;
  std::map<double, bool> by_real;
  std::unordered_map<bool, int> by_flag;
  std::map<std::vector<int>, std::map<place, int>> nested;
  std::vector<shelf> shelves;
  std::optional<troupe::json> note;
  int count = 0;

  void fill(std::map<std::string, std::string> encoded) {
    for (const auto& [name, item] : encoded) items[name].item = unhex(item);
    by_place = {{{1, "a"}, 10}, {{2, "\"b\""}, 20}, {{3, ""}, 30}};
    by_data = {{unhex("00ff"), "x"}, {{}, ""}};
    by_real = {{-0.5, true}, {1.0, false}, {std::numeric_limits<double>::infinity(), true}};
    by_flag = {{true, 1}};
    nested = {{{1, 2}, {{{1, "a"}, 1}}}, {{}, {}}};
    shelves = {{1, {{{1, "a"}, 1}}}, {2, {{{2, "b"}, 2}}}, {3, {{{3, "c"}, 3}}}};
    note = troupe::json(nullptr);
  }
  using actor = troupe::actor<library_before, &library_before::fill>;
};

struct library_after {
  std::map<std::string, opaque> items;
  std::map<place, int> by_place;
  std::map<troupe::bytes, std::string> by_content;  // was by_data
  std::map<double, bool> by_real;
  std::unordered_map<bool, int> by_flag;
  std::map<std::vector<int>, std::map<place, int>> nested;
  std::vector<shelf> shelves;
  std::optional<troupe::json> note;
  int total = 0;  // was count

  static constexpr int version = 2;
  static void migrate(troupe::json& state, int) {
    state["by_content"] = state["by_data"];
    state.erase("by_data");
    state["total"] = 7;
    state.erase("count");
    state["by_place"][R"([1,"a"])"] = 11;
    state["by_place"].erase(R"([3,""])");
    state["by_place"][R"([4,"d"])"] = 40;
    state["nested"]["[1,2]"][R"([5,"e"])"] = 5;
    state["shelves"].erase(0);
    state["shelves"][0]["row"] = 22;
    state["items"]["new"] = "text";
  }
  std::map<std::string, std::string> raw() const {
    std::map<std::string, std::string> all;
    for (const auto& [name, value] : items) all[name] = hex(value.item);
    return all;
  }
  std::map<place, int> places() const { return by_place; }
  std::map<troupe::bytes, std::string> contents() const { return by_content; }
  std::map<double, bool> reals() const { return by_real; }
  std::unordered_map<bool, int> flags() const { return by_flag; }
  std::map<std::vector<int>, std::map<place, int>> all_nested() const { return nested; }
  std::vector<shelf> all_shelves() const { return shelves; }
  bool has_note() const { return note.has_value(); }
  int sum() const { return total; }

  using actor = troupe::actor<library_after, &library_after::raw, &library_after::places, &library_after::contents,
                              &library_after::reals, &library_after::flags, &library_after::all_nested,
                              &library_after::all_shelves, &library_after::has_note, &library_after::sum>;
};

template <class A>
troupe::registry serving() {
  troupe::registry r;
  r.use<A>("library");
  return r;
}

// What JSON has no form for, or CBOR more than one.
const std::map<std::string, std::string> items = {
    {"nan with bits", "f97e01"},
    {"wide float", "fb3ff8000000000000"},
    {"wide integer", "1b0000000000000005"},
    {"negative zero", "f98000"},
    {"infinity", "f97c00"},
    {"lowest integer", "3bffffffffffffffff"},
    {"tag", "d9010043414243"},
    {"tag in a list", "8201c11a6553f100"},
    {"undefined", "f7"},
    {"undefined in a map", "a16161f7"},
    {"no end", "9f01ff"},
    {"text in pieces", "7f61616162ff"},
    {"no utf-8", "62c328"},
    {"keys that are lists", "a28101018102f7"},
    {"keys of one text", "a301016131026131f5"},
};

}  // namespace

TEST_CASE("what a migration leaves alone keeps every bit, and what is beside it changes") {
  const troupe::memory memory;
  {
    world w{serving<library_before>(), memory};
    w.run(w.client.get_or_create<library_before>("a").call<&library_before::fill>(items));
  }
  world w{serving<library_after>(), memory};
  const auto a = w.client.get<library_after>("a");
  auto expected = items;
  expected["new"] = "6474657874";
  CHECK(w.run(a.call<&library_after::raw>()) == expected);
  CHECK(w.run(a.call<&library_after::sum>()) == 7);
  CHECK(w.run(a.call<&library_after::has_note>()));
}

TEST_CASE("a map keeps its keys of any type through a migration, and gets new ones of that type") {
  const troupe::memory memory;
  {
    world w{serving<library_before>(), memory};
    w.run(w.client.get_or_create<library_before>("a").call<&library_before::fill>(items));
  }
  world w{serving<library_after>(), memory};
  const auto a = w.client.get<library_after>("a");
  CHECK(w.run(a.call<&library_after::places>()) ==
        std::map<place, int>{{{1, "a"}, 11}, {{2, "\"b\""}, 20}, {{4, "d"}, 40}});
  CHECK(w.run(a.call<&library_after::contents>()) ==
        std::map<troupe::bytes, std::string>{{unhex("00ff"), "x"}, {{}, ""}});
  CHECK(w.run(a.call<&library_after::reals>()) ==
        std::map<double, bool>{{-0.5, true}, {1.0, false}, {std::numeric_limits<double>::infinity(), true}});
  CHECK(w.run(a.call<&library_after::flags>()) == std::unordered_map<bool, int>{{true, 1}});
  CHECK(w.run(a.call<&library_after::all_nested>()) ==
        std::map<std::vector<int>, std::map<place, int>>{{{1, 2}, {{{1, "a"}, 1}, {{5, "e"}, 5}}}, {{}, {}}});
  const auto shelves = w.run(a.call<&library_after::all_shelves>());
  REQUIRE(shelves.size() == 2);
  CHECK(shelves[0].row == 22);
  CHECK(shelves[0].books == std::map<place, int>{{{2, "b"}, 2}});
  CHECK(shelves[1].row == 3);
  CHECK(shelves[1].books == std::map<place, int>{{{3, "c"}, 3}});
}
