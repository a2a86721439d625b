// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/codec/json_text.hpp>
#include <troupe/troupe.hpp>

#include "core/failures.hpp"
#include "loopback/client_of.hpp"

using Catch::Matchers::Contains;
using troupe::task;

namespace {

struct address {
  std::string street;
  int number = 0;
};

struct person {
  std::string full_name = "nobody";
  std::vector<address> homes;

  void rename_to(const std::string& name) { full_name = name; }
  std::string who() const { return full_name; }
  std::size_t add_home(address home, bool first) {
    homes.insert(first ? homes.begin() : homes.end(), std::move(home));
    return homes.size();
  }
  std::vector<address> all_homes() const { return homes; }
  task<int> add_up(int a, int b) { co_return a + b; }
  std::string greet(troupe::context<person>& c, std::string_view greeting, std::optional<std::string> name) const {
    return std::string{greeting} + " " + name.value_or(c.key().canonical());
  }
  task<> swap(std::string) { co_return; }
  void fail() { throw troupe::user_error("not_today", "Come back tomorrow"); }

  using actor = troupe::actor<person, troupe::named<&person::rename_to, "names.set">, &person::who, &person::add_home,
                              &person::all_homes, &person::add_up, &person::greet, troupe::exclusive<&person::swap>,
                              &person::fail>;
};

struct town {
  explicit town(troupe::naming naming = troupe::naming::as_written) : runtime{registry(naming)} {}
  static troupe::registry registry(troupe::naming naming) {
    troupe::registry r;
    troupe::use_options how;
    how.naming = naming;
    r.use<person>("person", how);
    return r;
  }
  std::string ask(std::string_view action, std::string_view arguments) { return one.call(action, arguments).get(); }
  std::string code(std::string_view action, std::string_view arguments) {
    return code_of([&] { ask(action, arguments); });
  }
  std::string refusal(std::string_view action, std::string_view arguments) {
    return message_of([&] { ask(action, arguments); });
  }
  troupe::runtime runtime;
  troupe::handle<person> one = client_of(runtime).get_or_create<person>("one");
};

troupe::bytes bytes_of(std::initializer_list<int> values) {
  troupe::bytes out;
  for (const int v : values) out.push_back(static_cast<std::byte>(v));
  return out;
}

}  // namespace

TEST_CASE("an action is called by its wire name, with JSON", "[client]") {
  town t;
  CHECK(t.ask("names.set", R"(["Ann"])") == "null");
  CHECK(t.ask("who", "[]") == R"("Ann")");
  CHECK(t.ask("who", " [ ] ") == R"("Ann")");
  CHECK(t.ask("add_up", "[40, 2]") == "42");
  CHECK(t.ask("add_home", R"([{"number": 7, "street": "Elm"}, true])") == "1");
  CHECK(t.ask("all_homes", "[]") == R"([{"street":"Elm","number":7}])");
  CHECK(t.ask("greet", R"(["Hi", null])") == R"("Hi one")");
  CHECK(t.ask("greet", R"(["Hi", "\u00fcber"])") ==
        "\"Hi \xc3\xbc"
        "ber\"");
  CHECK(t.ask("swap", R"([""])") == "null");
}

TEST_CASE("and with CBOR", "[client]") {
  town t;
  const auto five = t.one.call("add_up", troupe::bytes_view{troupe::encode(std::vector<int>{2, 3})}).get();
  CHECK(troupe::decode<int>(five) == 5);
  const auto open_ended = bytes_of({0x9F, 0x01, 0x02, 0xFF});
  CHECK(troupe::decode<int>(t.one.call("add_up", troupe::bytes_view{open_ended}).get()) == 3);
  const auto nothing =
      t.one.call("names.set", troupe::bytes_view{troupe::encode(std::vector<std::string>{"Bo"})}).get();
  CHECK(nothing == bytes_of({0xF6}));
  CHECK(t.one.call<&person::who>().get() == "Bo");
}

TEST_CASE("an unknown action is named", "[client]") {
  town t;
  CHECK(t.code("whoami", "[]") == "actor.action_not_found");
  CHECK_THAT(t.refusal("whoami", "[]"), Contains("person.whoami"));
  CHECK(t.code("", "[]") == "actor.action_not_found");
  CHECK(t.code("rename_to", R"(["x"])") == "actor.action_not_found");  // it has another wire name
  CHECK(t.ask("who", "[]") == R"("nobody")");
}

TEST_CASE("a wrong number of arguments is named", "[client]") {
  town t;
  for (const char* arguments : {"[]", "[1]", "[1,2,3]"}) {
    CAPTURE(arguments);
    CHECK(t.code("add_up", arguments) == "actor.invalid_request");
    CHECK_THAT(t.refusal("add_up", arguments), Contains("add_up") && Contains("it takes 2"));
  }
  const auto endless = bytes_of({0x9F, 0x01, 0x02, 0x03, 0xFF});
  CHECK(code_of([&] { t.one.call("add_up", troupe::bytes_view{endless}).get(); }) == "actor.invalid_request");
  const auto short_of_one = bytes_of({0x9F, 0x01, 0xFF});
  CHECK(code_of([&] { t.one.call("add_up", troupe::bytes_view{short_of_one}).get(); }) == "actor.invalid_request");
}

TEST_CASE("an argument of a wrong type is named", "[client]") {
  town t;
  CHECK(t.code("add_up", R"([1, "two"])") == "actor.invalid_request");
  CHECK_THAT(t.refusal("add_up", R"([1, "two"])"), Contains("add_up") && Contains("argument 2"));
  CHECK_THAT(t.refusal("add_up", "[3000000000, 1]"), Contains("argument 1"));
  CHECK_THAT(t.refusal("add_up", "[1.5, 1]"), Contains("argument 1"));
  CHECK_THAT(t.refusal("add_home", R"([{"street": 3}, true])"), Contains("argument 1") && Contains("street"));
  CHECK_THAT(t.refusal("greet", "[null, null]"), Contains("argument 1"));
  CHECK(t.ask("all_homes", "[]") == "[]");
}

TEST_CASE("arguments that are no array, or no JSON, are refused", "[client]") {
  town t;
  for (const char* arguments : {"", "{}", "1", "[1, 2", "[1, 2] 3", "[1 2]", "nonsense", "[\"\xff\", 1]", "[1,2,]"}) {
    CAPTURE(arguments);
    CHECK(t.code("add_up", arguments) == "actor.invalid_request");
    CHECK_THAT(t.refusal("add_up", arguments), Contains("add_up"));
  }
}

TEST_CASE("malformed CBOR is refused, however short it is cut", "[client]") {
  town t;
  const auto whole = troupe::from_json(R"([{"street": "Elm", "number": 300}, false])");
  REQUIRE(t.one.call("add_home", troupe::bytes_view{whole}).get() == bytes_of({0x01}));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK(code_of([&] { t.one.call("add_home", troupe::bytes_view{whole}.first(size)).get(); }) ==
          "actor.invalid_request");
  }
  auto longer = whole;
  longer.push_back(std::byte{0});
  CHECK(code_of([&] { t.one.call("add_home", troupe::bytes_view{longer}).get(); }) == "actor.invalid_request");
  CHECK(t.ask("all_homes", "[]") == R"([{"street":"Elm","number":300}])");
}

TEST_CASE("callers by name get the original exception too", "[client]") {
  town t;
  const auto e = failure_of([&] { t.ask("fail", "[]"); });
  REQUIRE(e);
  CHECK(e->code() == "not_today");
  CHECK(e->message() == "Come back tomorrow");
}

TEST_CASE("a registration can name actions in camel case; names given by hand stay", "[client]") {
  town t{troupe::camel_case};
  CHECK(t.ask("addUp", "[1, 2]") == "3");
  CHECK(t.ask("allHomes", "[]") == "[]");
  CHECK(t.ask("names.set", R"(["Cy"])") == "null");
  CHECK(t.code("add_up", "[1, 2]") == "actor.action_not_found");
  CHECK(t.one.call<&person::add_up>(1, 2).get() == 3);
}
