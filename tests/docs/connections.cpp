// SPDX-License-Identifier: Apache-2.0
// The snippets of docs/connections.md, each with a check.

#include <troupe/troupe.hpp>

#include <future>
#include <optional>
#include <vector>

#include "../../examples/support.hpp"

using namespace std::chrono_literals;

std::vector<std::string> happened;

// [hooks]
struct room {
  struct login {
    std::string name;
  };
  struct guest {
    std::string name;
    int calls = 0;
  };

  void on_before_connect(troupe::context<room>& c, const login& who) {
    if (who.name.empty()) throw troupe::user_error{"no_name", "Who are you?"};
    happened.push_back(fmt::format("before {}, {} here", who.name, c.connections().size()));
  }
  guest create_connection_state(troupe::context<room>&, const login& who) { return {who.name}; }
  troupe::task<> on_connect(troupe::context<room>& c, troupe::peer<room> p) {
    happened.push_back(fmt::format("connect {}, {} here", p.state().name, c.connections().size()));
    co_await troupe::delay(10ms);
  }
  void on_disconnect(troupe::context<room>& c, troupe::peer<room> p) {
    happened.push_back(fmt::format("disconnect {}, {} here", p.state().name, c.connections().size()));
  }

  std::string whoami(troupe::context<room>& c) const {
    const auto p = c.connection();
    return p ? p->state().name : "nobody";
  }
  void close(troupe::context<room>& c) { c.destroy(); }

  static constexpr troupe::options options{.on_connect_timeout = 2s};
  using actor = troupe::actor<room, &room::whoami, &room::close>;
};
// [/hooks]

// [actors]
struct sensor {
  static constexpr troupe::event<"measured", int> measured{};

  void measure(troupe::context<sensor>& c, int value) { c.broadcast(measured, value); }

  using actor = troupe::actor<sensor, &sensor::measure, measured>;
};

struct recorder {
  struct line {
    explicit line(troupe::connection<sensor> c) : connection{std::move(c)} {}
    troupe::connection<sensor> connection;
    troupe::subscription heard;
  };

  std::vector<int> values;
  troupe::transient<std::optional<line>> source;  // lives until the recorder sleeps, and is closed then

  troupe::task<> follow(troupe::context<recorder>& c, std::string name) {
    auto connected = co_await c.client().get_or_create<sensor>(name).connect();
    source->emplace(std::move(connected));
    (*source)->heard = (*source)->connection.on(sensor::measured, [this](int v) { values.push_back(v); });
  }
  std::vector<int> recorded() const { return values; }

  using actor = troupe::actor<recorder, &recorder::follow, &recorder::recorded>;
};
// [/actors]

troupe::task<> opening(troupe::handle<room> general) {
  // [open]
  const room::login alice{"alice"};
  auto visit = co_await general.connect(alice);
  const auto over = co_await visit.call<&room::whoami>();
  const auto beside = co_await general.call<&room::whoami>();
  check(over == "alice" && beside == "nobody");
  // [/open]
}

void order(troupe::runtime& runtime) {
  const auto general = runtime.client().get_or_create<room>("general");
  runtime.run(opening(general));
  for (int i = 0; i < 2; ++i) runtime.run(general.call<&room::whoami>());  // the second is behind on_disconnect
  // [order]
  check(happened == std::vector<std::string>{"before alice, 0 here", "connect alice, 1 here", "disconnect alice, 0 here"});
  // [/order]
}

void destroyed(troupe::runtime& runtime) {
  const auto general = runtime.client().get_or_create<room>("general");
  auto visit = general.connect(room::login{"bob"}).get();
  // [on_close]
  std::promise<std::string> reason;
  const auto ended = visit.on_close([&](const std::exception_ptr& why) {
    reason.set_value(why ? troupe::to_public_error(why).code() : "");  // no reason: both parted in good order
  });
  general.call<&room::close>().get();
  // [/on_close]
  check(reason.get_future().get() == "destroying");
}

troupe::task<> between_actors(troupe::client client) {
  const auto log = client.get_or_create<recorder>("log");
  co_await log.call<&recorder::follow>("roof");
  const auto roof = client.get_or_create<sensor>("roof");
  co_await roof.call<&sensor::measure>(7);
  co_await roof.call<&sensor::measure>(8);
  for (;;) {  // events travel beside the calls, so they may still be on their way
    const auto values = co_await log.call<&recorder::recorded>();
    if (values == std::vector{7, 8}) break;
    co_await troupe::delay(1ms);
  }
}

int main() {
  troupe::registry registry;
  registry.use<room>("room").use<sensor>("sensor").use<recorder>("recorder");
  troupe::runtime runtime{registry};
  order(runtime);
  destroyed(runtime);
  runtime.run(between_actors(runtime.client()));
  return 0;
}
