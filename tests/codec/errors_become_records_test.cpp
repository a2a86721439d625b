// SPDX-License-Identifier: Apache-2.0
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include <troupe/codec/codec.hpp>
#include <troupe/codec/error_record.hpp>
#include <troupe/codec/json_text.hpp>
#include <troupe/core/error.hpp>

using troupe::error_record;

namespace {

template <class E>
error_record record_of(E e) {
  return error_record::of(std::make_exception_ptr(std::move(e)));
}

/// What comes back in another process.
troupe::error returned(const error_record& record) {
  try {
    std::rethrow_exception(record.to_exception());
  } catch (const troupe::error& e) {
    return e;
  }
}

}  // namespace

TEST_CASE("a user's error goes out and comes back whole, as one", "[codec]") {
  const auto out = record_of(troupe::user_error{"out_of_stock", "No apples left", R"({"left":[1,"two"]})"});
  CHECK(out.group == "user");
  CHECK(out.code == "out_of_stock");
  CHECK(troupe::to_json(out.metadata) == R"({"left":[1,"two"]})");
  CHECK_THROWS_AS(std::rethrow_exception(out.to_exception()), troupe::user_error);
  const auto back = returned(out);
  CHECK(back.code() == "out_of_stock");
  CHECK(back.message() == "No apples left");
  CHECK(back.metadata() == R"({"left":[1,"two"]})");
}

TEST_CASE("a record is a value that can be encoded", "[codec]") {
  const auto out = record_of(troupe::user_error{"a", "b", "[1]"});
  const auto copy = troupe::decode<error_record>(troupe::encode(out));
  CHECK(copy.code == "a");
  CHECK(copy.metadata == out.metadata);
}

TEST_CASE("a public error of the catalogue keeps its details", "[codec]") {
  const auto out = record_of(troupe::error{troupe::errc::duplicate_key, "room/a", R"({"existing_actor_id":"7"})"});
  const auto back = returned(out);
  CHECK(back.is(troupe::errc::duplicate_key));
  CHECK(back.message() == troupe::error{troupe::errc::duplicate_key, "room/a"}.message());
  CHECK(back.metadata() == R"({"existing_actor_id":"7"})");
}

TEST_CASE("of other errors of the catalogue group and code go out, and no details", "[codec]") {
  const auto out = record_of(troupe::error{troupe::errc::overloaded, "secret/actor", R"({"secret":1})"});
  CHECK(out.group == "actor");
  CHECK(out.code == "overloaded");
  CHECK(out.message.find("secret") == std::string::npos);
  CHECK(out.metadata.empty());
}

TEST_CASE("nothing of another exception goes out", "[codec]") {
  for (const auto& out : {record_of(std::runtime_error{"secret"}), record_of(7)}) {
    CHECK(out.group == "rivetkit");
    CHECK(out.code == "internal_error");
    CHECK(out.message.find("secret") == std::string::npos);
    CHECK(out.metadata.empty());
  }
}

TEST_CASE("metadata that is no JSON goes out as text", "[codec]") {
  const auto out = record_of(troupe::user_error{"a", "b", "apples: 3"});
  CHECK(troupe::decode<std::string>(out.metadata) == "apples: 3");
  CHECK(returned(out).metadata() == R"("apples: 3")");
}

TEST_CASE("metadata that cannot be read is left out, and the error comes back all the same", "[codec]") {
  error_record odd{"actor", "not_found", "gone", {std::byte{0x82}, std::byte{0x01}}};
  const auto back = returned(odd);
  CHECK(back.is(troupe::errc::not_found));
  CHECK(back.message() == "gone");
  CHECK(back.metadata().empty());
}

TEST_CASE("a record of a newer program's error is an error too", "[codec]") {
  const auto back = returned({"weather", "rain", "take an umbrella", {}});
  CHECK(back.group() == "weather");
  CHECK(back.code() == "rain");
  CHECK_FALSE(back.is_public());
}
