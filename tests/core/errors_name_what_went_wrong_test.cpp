// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <stdexcept>
#include <string>
#include <type_traits>

#include <catch2/catch.hpp>

#include <troupe/core/error.hpp>

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using troupe::errc;

namespace {

troupe::error public_form(const std::exception_ptr& failure) { return troupe::to_public_error(failure); }

template <class E>
troupe::error public_form_of(E e) {
  return public_form(std::make_exception_ptr(std::move(e)));
}

}  // namespace

TEST_CASE("an error of the catalogue has wire names, a sentence and the detail", "[core]") {
  const troupe::error e{errc::not_found, "chatRoom/general"};
  CHECK(e.group() == "actor");
  CHECK(e.code() == "not_found");
  CHECK_THAT(e.message(), Contains("chatRoom/general"));
  CHECK(e.metadata().empty());
  CHECK_THAT(e.what(), StartsWith("troupe: actor.not_found: "));
  CHECK(e.is(errc::not_found));
  CHECK_FALSE(e.is(errc::aborted));
}

TEST_CASE("wire names do not change: other programs know them", "[core]") {
  const auto name = [](errc number) {
    const troupe::error e{number};
    return e.group() + "." + e.code();
  };
  CHECK(name(errc::internal_error) == "rivetkit.internal_error");
  CHECK(name(errc::action_not_found) == "actor.action_not_found");
  CHECK(name(errc::action_timed_out) == "actor.action_timed_out");
  CHECK(name(errc::aborted) == "actor.aborted");
  CHECK(name(errc::duplicate_key) == "actor.duplicate_key");
  CHECK(name(errc::key_too_large) == "actor.key_too_large");
  CHECK(name(errc::input_too_large) == "actor.input_too_large");
  CHECK(name(errc::overloaded) == "actor.overloaded");
  CHECK(name(errc::invalid_request) == "actor.invalid_request");
  CHECK(name(errc::forbidden) == "auth.forbidden");
  CHECK(name(errc::incoming_too_long) == "message.incoming_too_long");
  CHECK(name(errc::invalid_data) == "encoding.invalid");
  CHECK(name(errc::store_unavailable) == "store.unavailable");
  CHECK(name(errc::invalid_config) == "config.invalid");
  CHECK(name(errc::runtime_stopped) == "runtime.stopped");
  CHECK(name(errc::event_not_declared) == "event.not_declared");
}

TEST_CASE("every number of the catalogue has an entry of its own", "[core]") {
  std::set<std::string> names;
  int known = 0;
  for (int number = 1; number < 700; ++number) {
    const troupe::error e{static_cast<errc>(number)};
    if (e.is(errc::internal_error) && number != 1) continue;
    ++known;
    names.insert(e.group() + "." + e.code());
    CHECK_FALSE(e.message().empty());
  }
  CHECK(known == 42);
  CHECK(names.size() == static_cast<std::size_t>(known));
}

TEST_CASE("an error from elsewhere keeps its names and is public only if the catalogue says so", "[core]") {
  const troupe::error known{"actor", "not_found", "gone"};
  CHECK(known.is(errc::not_found));
  CHECK(known.is_public());
  const troupe::error unknown{"galaxy", "collapsed", "details"};
  CHECK_FALSE(unknown.is_public());
  CHECK(std::string{unknown.what()} == "troupe: galaxy.collapsed: details");
}

TEST_CASE("a user's error is public, with its code and metadata", "[core]") {
  const troupe::user_error e{"out_of_stock", "No apples left", R"({"fruit":"apple"})"};
  CHECK(e.group() == "user");
  CHECK(e.code() == "out_of_stock");
  CHECK(e.is_public());
  CHECK_THAT(e.what(), Contains("No apples left") && Contains(R"({"fruit":"apple"})"));
  CHECK(troupe::user_error{"no"}.code() == "user_error");
}

TEST_CASE("copying an error never throws, and copies tell the same", "[core]") {
  STATIC_REQUIRE(std::is_nothrow_copy_constructible_v<troupe::error>);
  STATIC_REQUIRE(std::is_nothrow_copy_assignable_v<troupe::error>);
  troupe::error copy{errc::aborted};
  {
    const troupe::error e{errc::not_found, "x", "{}"};
    copy = e;
  }
  CHECK(copy.is(errc::not_found));
  CHECK(copy.metadata() == "{}");
}

TEST_CASE("only what is public leaves the process", "[core]") {
  SECTION("a user's error does, as it is") {
    const auto e = public_form_of(troupe::user_error{"sold_out", "None left", "{}"});
    CHECK(e.code() == "sold_out");
    CHECK(e.message() == "None left");
    CHECK(e.metadata() == "{}");
  }
  SECTION("another error keeps its names and loses its details") {
    const auto e = public_form_of(troupe::error{errc::store_failed, "/secret/path", "{}"});
    CHECK(e.is(errc::store_failed));
    CHECK_THAT(e.message(), !Contains("secret"));
    CHECK(e.metadata().empty());
  }
  SECTION("any other exception is an internal error") {
    CHECK(public_form_of(std::runtime_error{"password"}).is(errc::internal_error));
    CHECK_THAT(public_form_of(std::runtime_error{"password"}).what(), !Contains("password"));
    CHECK(public_form_of(42).is(errc::internal_error));
  }
}
