// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include <troupe/troupe.hpp>

#include "core/manual_runtime.hpp"
#include "loopback/client_of.hpp"

namespace {

struct censor {
  std::string quote(std::string text) const { return text; }
  troupe::task<std::string> quote_later(std::string text) {
    co_return text;
  }
  int number() const { return 7; }
  void nothing() {}

  // Texts are looked at; numbers, having no overload, are not.
  void on_before_reply(troupe::context<censor>& c, std::string_view action, std::string& reply) const {
    if (reply == "forbidden") throw troupe::user_error{"censored", "not this"};
    reply += " (" + std::string{action} + " of " + c.key().canonical() + ")";
  }

  using actor = troupe::actor<censor, &censor::quote, &censor::quote_later, &censor::number, &censor::nothing>;
};

struct world {
  world() : runtime{registry()} {}
  static troupe::registry registry() {
    troupe::registry served;
    served.use<censor>("censor");
    return served;
  }
  manual_runtime runtime;
  troupe::handle<censor> desk = client_of(*runtime).get_or_create<censor>("desk");
};

}  // namespace

TEST_CASE("on_before_reply may change a value before it leaves, however the action was called") {
  world w;
  CHECK(w.runtime->run(w.desk.call<&censor::quote>("hi")) == "hi (quote of desk)");
  CHECK(w.desk.call<&censor::quote>("awake").get() == "awake (quote of desk)");
  CHECK(w.desk.call("quote", R"(["by name"])").get() == R"json("by name (quote of desk)")json");
  CHECK(w.runtime->run(w.desk.call<&censor::quote_later>("later")) == "later (quote_later of desk)");
}

TEST_CASE("on_before_reply sees only values that it has an overload for") {
  world w;
  CHECK(w.runtime->run(w.desk.call<&censor::number>()) == 7);
  CHECK_NOTHROW(w.runtime->run(w.desk.call<&censor::nothing>()));
}

TEST_CASE("a throw in on_before_reply is what the caller gets") {
  world w;
  CHECK_THROWS_AS(w.runtime->run(w.desk.call<&censor::quote>("forbidden")), troupe::user_error);
  CHECK_THROWS_AS(w.runtime->run(w.desk.call<&censor::quote_later>("forbidden")), troupe::user_error);
  CHECK(w.runtime->run(w.desk.call<&censor::number>()) == 7);
}
