// SPDX-License-Identifier: Apache-2.0
// Names are read from what the compiler says about template arguments, whatever else it says there.

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/codec/codec.hpp>
#include <troupe/codec/json_text.hpp>
#include <troupe/codec/reflect.hpp>

#include "hex.hpp"

using troupe::field_names;
using troupe::member_name;
using troupe::type_name;

namespace names {

template <std::size_t N>
struct literal {
  char text[N]{};
  constexpr literal(const char (&from)[N]) {  // NOLINT(google-explicit-constructor)
    for (std::size_t i = 0; i < N; ++i) text[i] = from[i];
  }
};
struct pair_of_pointers {
  const int* first;
  const int* second;
};
inline constexpr int global = 1;
enum class colour { red };
struct subject {
  int data = 0;
  int method(int i) const { return i; }
  bool operator<(const subject&) const { return false; }
  bool operator()(int) const { return false; }
  template <class T>
  void generic(T) {}
  template <char C>
  void lettered() {}
};

template <auto Value>
struct by_value {
  int first = 0;
  int second = 0;
  void open() {}
};
template <literal Text>
struct by_text {
  int first = 0;
  int second = 0;
  void open() {}
};
template <class T, class Container = std::vector<T>>
struct with_default {
  T first{};
  Container second;
};
template <class T>
struct outer {
  struct inner {
    T first{};
    int second = 0;
    void open() {}
  };
  template <class U>
  struct generic {
    T first{};
    U second{};
  };
};
template <class... Types>
struct variadic {
  int first = 0;
  int second = 0;
};
template <template <class> class Template>
struct of_template {
  Template<int> first{};
  int second = 0;
};
template <class T>
using maybe = std::optional<T>;

struct with_mutable {
  mutable int first = 1;
  mutable std::string second = "two";
};
// Members named like what the names are found by.
struct markers {
  int value = 0;
  int nowhere = 0;
  int wrapped = 0;
  int pointer = 0;
  int Field = 0;
  int T = 0;
  int markers_ = 0;
};
struct unicode {
  int größe = 0;
  mutable int 名前 = 0;
  void öffnen() {}
};

}  // namespace names

namespace {

using list = std::vector<std::string_view>;
const list both{"first", "second"};

template <class T>
list names_in() {
  return {field_names<T>.begin(), field_names<T>.end()};
}

struct unnamed_space {
  int first = 0;
  mutable int second = 0;
};

template <class T>
std::string as_json(const T& value) {
  return troupe::to_json(troupe::encode(value));
}

}  // namespace

TEST_CASE("fields keep their names, whatever the template arguments of their struct", "[names]") {
  using namespace names;
  CHECK(names_in<by_value<')'>>() == both);
  CHECK(names_in<by_value<'}'>>() == both);
  CHECK(names_in<by_value<';'>>() == both);
  CHECK(names_in<by_value<'"'>>() == both);
  CHECK(names_in<by_value<'\''>>() == both);
  CHECK(names_in<by_value<'\\'>>() == both);
  CHECK(names_in<by_value<(1 > 2)>>() == both);
  CHECK(names_in<by_value<-1>>() == both);
  CHECK(names_in<by_value<colour::red>>() == both);
  CHECK(names_in<by_value<static_cast<colour>(7)>>() == both);
  CHECK(names_in<by_value<nullptr>>() == both);
  CHECK(names_in<by_value<&global>>() == both);
  CHECK(names_in<by_value<pair_of_pointers{&global, nullptr}>>() == both);
  CHECK(names_in<by_value<&subject::data>>() == both);
  CHECK(names_in<by_value<&subject::method>>() == both);
  CHECK(names_in<by_value<&subject::operator()>>() == both);
  CHECK(names_in<by_value<&subject::operator< >>() == both);
  CHECK(names_in<by_text<"">>() == both);
  CHECK(names_in<by_text<")}">>() == both);
  CHECK(names_in<by_text<"a;b]c">>() == both);
  CHECK(names_in<by_text<"\"})::x">>() == both);
  CHECK(names_in<with_default<int>>() == both);
  CHECK(names_in<with_default<with_default<std::string>>>() == both);
  CHECK(names_in<outer<int>::inner>() == both);
  CHECK(names_in<outer<outer<int>::inner>::generic<std::map<std::string, int>>>() == both);
  CHECK(names_in<variadic<>>() == both);
  CHECK(names_in<variadic<int (*)(char), int[3], int subject::*, void() const, int (&)()>>() == both);
  CHECK(names_in<variadic<std::function<int(int)>, unnamed_space>>() == both);
  CHECK(names_in<of_template<maybe>>() == both);
}

TEST_CASE("mutable members, local structs, unnamed namespaces and Unicode have names", "[names]") {
  CHECK(names_in<names::with_mutable>() == both);
  CHECK(names_in<unnamed_space>() == both);
  CHECK(names_in<names::variadic<unnamed_space>>() == both);
  CHECK(names_in<names::markers>() == list{"value", "nowhere", "wrapped", "pointer", "Field", "T", "markers_"});
  CHECK(names_in<names::unicode>() == list{"größe", "名前"});
  CHECK(member_name<&names::unicode::öffnen>() == "öffnen");
  struct local {
    int first = 0;
    mutable int second = 0;
  };
  CHECK(names_in<local>() == both);
  const auto within = [] {
    struct innermost {
      mutable int first = 0;
      int second = 0;
    };
    return names_in<innermost>();
  };
  CHECK(within() == both);
}

TEST_CASE("mutable members are stored under their names, and survive a change of the struct", "[names][codec]") {
  CHECK(as_json(names::with_mutable{}) == R"({"first":1,"second":"two"})");
  struct later {
    int added = 5;
    mutable std::string second;
    mutable int first = 0;
  };
  const auto read = troupe::decode<later>(troupe::encode(names::with_mutable{7, "kept"}));
  CHECK(read.added == 5);
  CHECK(read.first == 7);
  CHECK(read.second == "kept");
}

// 0.1 gave all mutable members the name "" where g++ compiled it: such values belong to no member.
TEST_CASE("a value without a name is skipped", "[names][codec]") {
  const auto read = troupe::decode<names::with_mutable>(troupe::from_json(R"({"":9,"second":"x","":"y"})"));
  CHECK(read.first == 1);
  CHECK(read.second == "x");
}

TEST_CASE("methods have the last of their names, templates without their arguments", "[names]") {
  using namespace names;
  CHECK(member_name<&subject::method>() == "method");
  CHECK(member_name<&subject::generic<int>>() == "generic");
  CHECK(member_name<&subject::generic<std::string_view>>() == "generic");
  CHECK(member_name<&subject::lettered<';'>>() == "lettered");
  CHECK(member_name<&subject::lettered<')'>>() == "lettered");
  CHECK(member_name<&by_value<'"'>::open>() == "open");
  CHECK(member_name<&by_value<&subject::operator()>::open>() == "open");
  CHECK(member_name<&by_text<"a]b;c">::open>() == "open");
  CHECK(member_name<&outer<int>::inner::open>() == "open");
  CHECK(troupe::detail::spelled_method<&subject::operator()>().empty());
  CHECK(troupe::detail::spelled_method<&subject::operator< >().empty());
}

TEST_CASE("types are named without their namespaces", "[names]") {
  using namespace names;
  CHECK(type_name<subject>() == "subject");
  CHECK(type_name<outer<subject>::inner>() == "inner");
  CHECK(type_name<unnamed_space>() == "unnamed_space");
  CHECK(type_name<unsigned char>() == "unsigned char");
  CHECK(type_name<by_value<')'>>() == "by_value<')'>");
  CHECK(type_name<by_value<'>'>>() == "by_value<'>'>");
  CHECK(type_name<by_value<';'>>() == "by_value<';'>");
  CHECK_THAT(std::string{type_name<by_value<&subject::operator< >>()}, Catch::StartsWith("by_value<"));
  CHECK_THAT(std::string{type_name<by_text<"x::y">>()}, Catch::StartsWith("by_text<"));
  CHECK_THAT(std::string{troupe::full_type_name<by_value<']'>>()}, Catch::EndsWith("names::by_value<']'>"));
}

TEST_CASE("names are told apart, or refused", "[names]") {
  using troupe::detail::tell_apart;
  STATIC_REQUIRE(tell_apart(std::array<std::string_view, 3>{"a", "b1", "_"}));
  STATIC_REQUIRE(tell_apart(std::array<std::string_view, 0>{}));
  STATIC_REQUIRE_FALSE(tell_apart(std::array<std::string_view, 1>{""}));
  STATIC_REQUIRE_FALSE(tell_apart(std::array<std::string_view, 2>{"a", "a"}));
  STATIC_REQUIRE_FALSE(tell_apart(std::array<std::string_view, 1>{"1a"}));
  STATIC_REQUIRE_FALSE(tell_apart(std::array<std::string_view, 1>{"a b"}));
  STATIC_REQUIRE_FALSE(tell_apart(std::array<std::string_view, 1>{"a)"}));
}
