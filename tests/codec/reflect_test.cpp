// SPDX-License-Identifier: Apache-2.0
#include <any>
#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/codec/reflect.hpp>
#include <troupe/codec/transient.hpp>
#include <troupe/core/actor_id.hpp>
#include <troupe/core/key.hpp>
#include <troupe/core/tags.hpp>

using troupe::field_count;
using troupe::field_names;
using troupe::member_name;
using troupe::reflectable;
using troupe::type_name;

namespace {

struct pair_of_ints {
  int a, b;
};
struct nested {
  pair_of_ints x;
  std::array<int, 3> y;
  std::string z;
};
// Every kind of member whose constructors might confuse a count.
struct many {
  bool b;
  double d;
  std::string s;
  std::vector<int> v;
  std::optional<int> oi;
  std::optional<std::vector<std::string>> ov;
  std::map<std::string, int> m;
  std::variant<std::monostate, int, std::string> va;
  std::chrono::milliseconds ms;
  std::chrono::system_clock::time_point tp;
  std::function<void()> fn;
  std::any an;
  std::unique_ptr<int> up;
  std::shared_ptr<int> sp;
  pair_of_ints in;
  nested ne;
  std::array<pair_of_ints, 2> arr;
  troupe::key k;
  troupe::tags t;
  troupe::actor_id id;
  troupe::transient<std::string> tr;
  std::tuple<int, std::string> tup;
  std::pair<int, int> pr;
  std::string_view sv;
  std::vector<bool> vb;
  const char* p;
  std::mutex mu;
};
struct empty {};
struct one_aggregate {
  pair_of_ints q;
};
struct one_array {
  std::array<int, 3> q;
};
struct one_any {
  std::any q;
};
struct recursive {
  std::vector<recursive> children;
};
struct derived : pair_of_ints {
  int c;
};
struct derived_from_empty : empty {
  int c;
};
struct c_array {
  int a[3];
  int b;
};
struct c_array_late {
  int b;
  pair_of_ints a[3];
  std::string s;
};
struct c_string {
  int x;
  std::string s;
  char name[16];
  double y;
};
struct reference {
  int& r;
};
struct anonymous_union {
  int a;
  union {
    int b;
    float c;
  };
};
struct anonymous_union_first {
  union {
    pair_of_ints b;
    int c[2];
  };
  int a;
};
union either {
  int b;
  float c;
};
struct union_member {
  int a;
  either e;
};
struct holders_of_unions {
  std::optional<either> maybe;
  troupe::transient<either> aside;
  std::vector<either> many;
  std::optional<pair_of_ints> pair;
};
struct bit_field {
  int a;
  unsigned b : 3;
};
struct mutable_bit_field {
  mutable bool b : 1;
};
struct const_bit_field {
  const unsigned b : 3 = 0;
  int a = 0;
};
struct padding {
  int a;
  int : 0;
  int b;
};
struct volatile_member {
  int a;
  mutable volatile int b;
};
struct const_and_mutable {
  const int a = 1;
  mutable int b = 2;
};
template <class T>
struct box {
  T content;
  void open() {}
};

struct subject {
  int plain(int i) { return i; }
  int constant() const { return 0; }
  int safe() noexcept { return 0; }
  int both() const noexcept { return 0; }
  int on_lvalue() & { return 0; }
  std::vector<std::map<int, int>> crowded(std::string, std::vector<int>) const { return {}; }
  struct inner {
    void deep() const {}
  };
};

template <class T>
std::vector<std::string_view> names() {
  return {field_names<T>.begin(), field_names<T>.end()};
}
using list = std::vector<std::string_view>;

}  // namespace

TEST_CASE("fields are counted and named, whatever their types", "[reflect]") {
  CHECK(names<many>() == list{"b",  "d",  "s",  "v",  "oi", "ov",  "m", "va", "ms", "tp", "fn",  "an", "up", "sp",
                              "in", "ne", "arr", "k", "t",  "id", "tr", "tup", "pr", "sv", "vb", "p",  "mu"});
  CHECK(names<nested>() == list{"x", "y", "z"});
  CHECK(names<empty>().empty());
  CHECK(names<one_aggregate>() == list{"q"});
  CHECK(names<one_array>() == list{"q"});
  CHECK(names<one_any>() == list{"q"});
  CHECK(names<recursive>() == list{"children"});
  CHECK(names<box<std::vector<int>>>() == list{"content"});
  struct local {
    int first;
    std::string second;
  };
  CHECK(names<local>() == list{"first", "second"});
}

TEST_CASE("what cannot be listed is not reflectable", "[reflect]") {
  CHECK(reflectable<many>);
  CHECK_FALSE(reflectable<derived>);
  CHECK_FALSE(reflectable<derived_from_empty>);
  CHECK_FALSE(reflectable<c_array>);
  CHECK_FALSE(reflectable<c_array_late>);
  CHECK_FALSE(reflectable<c_string>);
  CHECK_FALSE(reflectable<reference>);
  CHECK_FALSE(reflectable<anonymous_union>);
  CHECK_FALSE(reflectable<anonymous_union_first>);
  CHECK_FALSE(reflectable<union_member>);
  CHECK_FALSE(reflectable<bit_field>);
  CHECK_FALSE(reflectable<mutable_bit_field>);
  CHECK_FALSE(reflectable<const_bit_field>);
  CHECK_FALSE(reflectable<volatile_member>);
  CHECK_FALSE(reflectable<int>);
  CHECK_FALSE(reflectable<std::string>);
}

TEST_CASE("what only looks like an obstacle is none", "[reflect]") {
  CHECK(names<holders_of_unions>() == list{"maybe", "aside", "many", "pair"});
  CHECK(names<padding>() == list{"a", "b"});
  CHECK(names<const_and_mutable>() == list{"a", "b"});
}

TEST_CASE("fields are visited in order, and can be changed", "[reflect]") {
  nested value{{1, 2}, {3, 4, 5}, "six"};
  std::string seen;
  troupe::for_each_field(value, [&](std::string_view name, auto& field) {
    seen += name;
    if constexpr (std::is_same_v<decltype(field), std::string&>) field = "seven";
  });
  CHECK(seen == "xyz");
  CHECK(value.z == "seven");
  const nested& constant = value;
  troupe::for_each_field(constant, [](std::string_view, const auto&) {});
}

TEST_CASE("methods and types have names", "[reflect]") {
  CHECK(member_name<&subject::plain>() == "plain");
  CHECK(member_name<&subject::constant>() == "constant");
  CHECK(member_name<&subject::safe>() == "safe");
  CHECK(member_name<&subject::both>() == "both");
  CHECK(member_name<&subject::on_lvalue>() == "on_lvalue");
  CHECK(member_name<&subject::crowded>() == "crowded");
  CHECK(member_name<&subject::inner::deep>() == "deep");
  CHECK(member_name<&box<std::vector<int>>::open>() == "open");
  struct local {
    void here() {}
  };
  CHECK(member_name<&local::here>() == "here");

  CHECK(type_name<subject>() == "subject");
  CHECK(type_name<subject::inner>() == "inner");
  CHECK(type_name<local>() == "local");
  CHECK(type_name<int>() == "int");
  CHECK(type_name<troupe::actor_id>() == "actor_id");
  CHECK(troupe::full_type_name<troupe::actor_id>().ends_with("::actor_id"));
}
