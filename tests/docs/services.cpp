// SPDX-License-Identifier: Apache-2.0
// The snippets of docs/services.md.

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <troupe/testing.hpp>
#include <troupe/troupe.hpp>

#include "../../examples/support.hpp"

// [interface]
class mail_server {
 public:
  virtual ~mail_server() = default;
  virtual void send(const std::string& to, const std::string& text) = 0;
};

struct mail_settings {
  std::string signature = "-- the shop";
};
// [/interface]

// [actor]
struct mailer {
  int sent = 0;

  troupe::task<> send(troupe::context<mailer>& c, std::string to, std::string text) {
    auto& server = c.service<mail_server>();
    text += c.service<const mail_settings>().signature;
    co_await troupe::blocking(&mail_server::send, std::ref(server), to, text);  // not on the actor's thread
    ++sent;
  }

  using actor = troupe::actor<mailer, &mailer::send, troupe::needs<mail_server, const mail_settings>>;
};
// [/actor]

class smtp final : public mail_server {
 public:
  explicit smtp(std::string host) : host_{std::move(host)} {}
  void send(const std::string& to, const std::string&) override { check(!host_.empty() && !to.empty()); }

 private:
  std::string host_;
};

// [fake]
class fake_server final : public mail_server {
 public:
  void send(const std::string& to, const std::string& text) override { sent.push_back(to + ": " + text); }
  std::vector<std::string> sent;
};
// [/fake]

void run_program(const troupe::registry& registry) {
  // [program]
  const mail_settings settings;
  troupe::services given;
  given.provide<mail_server>(std::make_unique<smtp>("mail.example.com"));  // the runtime's own from now on
  given.provide(std::cref(settings));                                     // stays the program's, and const
  troupe::runtime runtime{registry, {.store = troupe::memory{}, .services = given}};
  // [/program]
  runtime.client().get_or_create<mailer>("orders").call<&mailer::send>("ada@example.com", "thank you ").get();
}

void test_program(const troupe::registry& registry) {
  // [simulation]
  fake_server server;
  const mail_settings settings{"-- a test"};
  troupe::testing::simulation_options options;
  options.runtime.services.provide<mail_server>(std::ref(server)).provide(std::cref(settings));
  troupe::testing::simulation sim{registry, options};
  // [/simulation]
  sim.run(sim.client().get_or_create<mailer>("orders").call<&mailer::send>("ada", "thank you "));
  sim.crash();
  sim.run(sim.client().get_or_create<mailer>("orders").call<&mailer::send>("ada", "again "));
  check(server.sent == std::vector<std::string>{"ada: thank you -- a test", "ada: again -- a test"});
}

int main() {
  troupe::registry registry;
  registry.use<mailer>("mailer");
  run_program(registry);
  test_program(registry);

  std::string why;
  try {
    const troupe::runtime runtime{registry, {.services = troupe::services{}.provide(std::make_shared<smtp>("host"))}};
  } catch (const troupe::error& e) {
    why = e.what();
  }
  check(why ==
        "troupe: config.invalid: The configuration cannot work: the actor \"mailer\" needs the service mail_server, and "
        "the runtime was not given it; add it to runtime_options::services with provide(std::ref(...)) or "
        "provide<mail_server>(...)");
  return 0;
}
