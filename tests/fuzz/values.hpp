// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bitset>
#include <chrono>
#include <cmath>
#include <complex>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include <troupe/codec/codec.hpp>
#include <troupe/core/actor_id.hpp>
#include <troupe/core/key.hpp>
#include <troupe/core/tags.hpp>
#include <troupe/json.hpp>

// Types that the decoders are tried on: between them, every kind of field that a state may have.
namespace fuzz {

enum class colour : std::uint8_t { red, green = 200 };
enum class depth : std::int32_t { below = -5, above = 70'000 };
enum mood { calm, merry = 3 };  // its values are listed

struct point {
  int x = 1;
  std::int16_t y = -1;
  bool operator==(const point&) const = default;
};

struct tree {
  std::uint32_t value = 0;
  std::vector<tree> children;
  bool operator==(const tree&) const = default;
};

struct chain {
  int value = 0;
  std::unique_ptr<chain> next;
  bool operator==(const chain& other) const {
    if (value != other.value || !next != !other.next) return false;
    return !next || *next == *other.next;
  }
};

/// Stored by a codec of its own.
class money {
 public:
  money() = default;
  explicit money(std::int64_t cents) : cents_{cents} {}
  [[nodiscard]] std::int64_t cents() const { return cents_; }
  bool operator==(const money&) const = default;

 private:
  std::int64_t cents_ = 0;
};

}  // namespace fuzz

template <>
inline constexpr auto troupe::enum_values<fuzz::mood> = std::array{fuzz::calm, fuzz::merry};

template <>
struct troupe::codec<fuzz::money> {
  static void write(cbor_writer& out, const fuzz::money& value) { troupe::write(out, value.cents()); }
  static void read(cbor_reader& in, fuzz::money& value) {
    std::int64_t cents = 0;
    troupe::read(in, cents);
    value = fuzz::money{cents};
  }
};

namespace fuzz {

/// Stored as its JSON. `get_ref` takes whole numbers alone, where `get` would cast any double.
struct price {
  std::int64_t cents = 0;
  bool operator==(const price&) const = default;
  friend void to_json(troupe::json& out, const price& value) { out = troupe::json{{"cents", value.cents}}; }
  friend void from_json(const troupe::json& in, price& value) {
    value.cents = in.at("cents").get_ref<const std::int64_t&>();
  }
};

/// More of what `plain` has, which has as many members as a struct may.
struct others {
  mutable std::uint16_t looks = 2;
  mood spirit = merry;
  std::bitset<11> marked;
  std::filesystem::path file;
  std::chrono::year_month_day date{};
  std::chrono::weekday weekday{};
  std::multimap<int, std::string> entries;
  std::unordered_multimap<std::string, int> votes;
  std::forward_list<std::int32_t> steps;
  std::map<std::pair<int, std::string>, int> by_place;
  std::map<std::array<std::byte, 2>, bool> by_bytes;
  std::map<mood, int> by_mood;
  bool operator==(const others&) const = default;
};

/// What JSON has a form for: it comes back from there as it was.
struct plain {
  bool flag = true;
  std::int8_t tiny = -3;
  std::uint8_t octet = 3;
  std::uint16_t port = 80;
  std::int32_t whole = 7;
  std::int64_t large = 1;
  std::uint64_t larger = 2;
  char letter = 'a';
  char32_t rune = U'b';
  colour hue = colour::green;
  depth level = depth::above;
  std::string text = "text";
  std::u8string wide_text;
  troupe::bytes data;
  std::vector<std::uint8_t> octets;
  std::array<std::byte, 4> digest{};
  std::vector<point> points;
  std::vector<bool> flags;
  std::deque<std::string> lines;
  std::list<std::int64_t> numbers;
  std::array<point, 2> ends{};
  std::set<std::string> names;
  std::multiset<int> marks;
  std::unordered_set<std::string> bag;
  std::map<std::string, std::vector<int>> scores;
  std::map<std::int32_t, std::string> by_number;
  std::map<colour, bool> by_colour;
  std::unordered_map<std::string, point> places;
  std::pair<std::string, std::string> couple;
  std::tuple<int, std::optional<point>, std::string> triple;
  std::optional<std::string> maybe;
  std::variant<std::monostate, int, std::string, point> either;
  std::monostate nothing;
  std::chrono::milliseconds span{5};
  std::chrono::sys_time<std::chrono::milliseconds> moment{};
  troupe::actor_id id;
  troupe::key name;
  troupe::tags labels;
  money cash;
  price tag;
  tree root;
  others rest;
  bool operator==(const plain&) const = default;
};

/// What JSON has no form for, or none that leads back; and a member that is not stored.
struct special {
  double real = 0.5;
  float single = 1.5F;
  std::chrono::duration<double> lapse{0.25};
  std::map<std::pair<int, std::string>, int> by_pair;
  std::complex<double> phase{1, -1};
  troupe::json any = nullptr;
  std::optional<troupe::json> perhaps;
  std::optional<plain> inner;
  chain links;
  std::unordered_map<std::uint64_t, std::vector<special>> more;
  troupe::transient<int> cached = 1;

  bool operator==(const special& other) const {
    return equal(real, other.real) && equal(double{single}, double{other.single}) &&
           equal(lapse.count(), other.lapse.count()) && by_pair == other.by_pair &&
           equal(phase.real(), other.phase.real()) && equal(phase.imag(), other.phase.imag()) &&
           text(any) == text(other.any) && perhaps.has_value() == other.perhaps.has_value() &&
           (!perhaps || text(*perhaps) == text(*other.perhaps)) &&
           inner == other.inner && links == other.links && more == other.more;
  }

 private:
  // Every NaN is the same one once it has been written.
  static bool equal(double a, double b) {
    return std::isnan(a) ? std::isnan(b) : a == b && std::signbit(a) == std::signbit(b);
  }
  static std::string text(const troupe::json& tree) {
    return tree.dump(-1, ' ', false, troupe::json::error_handler_t::ignore);
  }
};

/// A later version of `plain`: members in another order, wider, with an absence, in other containers, new ones.
struct evolved {
  std::string added = "new";
  struct place {
    std::int64_t x = 0;
    int z = 9;
  };
  std::vector<place> points;
  double tiny = 0;
  std::int64_t whole = 0;
  std::optional<std::string> text;
  std::vector<std::string> names;
  std::set<std::string> bag;
  std::map<std::string, place> places;
  std::vector<std::byte> octets;
};

/// The same with members left out: what is there reads as it did.
struct reduced {
  std::string text = "text";
  std::vector<point> points;
  std::array<point, 2> ends{};
  std::map<std::int32_t, std::string> by_number;
  std::tuple<int, std::optional<point>, std::string> triple;
  troupe::bytes data;
};

}  // namespace fuzz
