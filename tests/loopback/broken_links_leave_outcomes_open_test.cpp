// SPDX-License-Identifier: Apache-2.0
// The errors that callers get when their link to the actors breaks.

#include <atomic>
#include <thread>

#include <catch2/catch.hpp>

#include "two_runtimes.hpp"

using namespace behaviour;
using texts = std::vector<std::string>;

TEST_CASE("calls under way when the link breaks have an open outcome, later ones are not made", "[loopback]") {
  two_runtimes t;
  const auto front = t.client.get_or_create<desk>("front");
  const auto waiting = t.start(front.call<&desk::wait>());
  const auto answer = t.start(front.send_and_wait(desk::work, "mow"));
  t.link->cut();
  t.settle();
  CHECK(waiting.code() == "transport.lost");
  CHECK(answer.code() == "transport.lost");
  CHECK(t.start(front.call<&desk::note>("late")).code() == "transport.unreachable");
  front.post<&desk::note>("later");
  t.settle();
  CHECK(t.callers.errors == texts{"note in desk/front: transport.unreachable"});

  // The other side has given up what nobody waits for, and goes on.
  t.pass(3s);
  CHECK(t.actors.run(t.actors.client.get<desk>("front").call<&desk::all>()) == texts{"stopped"});
}

TEST_CASE("connections end on both sides of a link that breaks", "[loopback][connection]") {
  two_runtimes t;
  const auto front = t.client.get_or_create<desk>("front");
  auto opened = t.start(front.connect("ann"));
  const auto& line = opened.value();
  REQUIRE(t.start(line.next(desk::noted)).done());
  const auto next = t.start(line.next(desk::noted));
  std::string why = "open";
  auto ended = line.on_close([&](const std::exception_ptr& reason) { why = code_of(reason); });
  t.link->cut();
  t.settle();
  CHECK_FALSE(line.connected());
  CHECK(why == "transport.lost");
  CHECK(next.code() == "transport.lost");
  CHECK(t.start(line.call<&desk::all>()).code() == "transport.lost");
  CHECK(t.actors.run(t.actors.client.get<desk>("front").call<&desk::all>()) == texts{"left: ann"});
}

TEST_CASE("the end of the actors' runtime is told to its callers elsewhere", "[loopback]") {
  two_runtimes t;
  const auto front = t.client.get_or_create<desk>("front");
  REQUIRE(t.start(front.call<&desk::note>("one")).done());
  t.actors.runtime.shutdown();
  CHECK(t.start(front.call<&desk::note>("two")).code() == "transport.unreachable");
  t.callers.runtime.shutdown();
  CHECK(t.callers.errors.empty());
}

TEST_CASE("whenever the link breaks, each call ends once, and has run at most once", "[loopback][threads]") {
  constexpr int callers = 4;
  constexpr int calls = 200;
  troupe::runtime here{desks(), {.threads = 2}};
  troupe::runtime there{desks(), {.threads = 2}};
  const auto& home = troupe::detail::transport_of(here.client());
  const auto& actors = troupe::detail::transport_of(there.client());
  const auto link = loopback::callers_end::link(home, actors, loopback::known_to(actors));
  const troupe::client client{link};
  std::atomic<int> made{0}, answered{0}, lost{0}, unreachable{0}, other{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < callers; ++i) {
    threads.emplace_back([&] {
      const auto front = client.get_or_create<desk>("front");
      for (int n = 0; n < calls; ++n) {
        if (++made == callers * calls / 2) link->cut();
        try {
          static_cast<void>(front.call<&desk::note>("n").get());
          ++answered;
        } catch (const troupe::error& e) {
          ++(e.is(troupe::errc::transport_lost)          ? lost
             : e.is(troupe::errc::transport_unreachable) ? unreachable
                                                         : other);
        }
      }
    });
  }
  for (auto& each : threads) each.join();
  CHECK(other == 0);
  CHECK(unreachable > 0);
  CHECK(answered + lost + unreachable == callers * calls);
  const auto noted = static_cast<int>(there.client().get_or_create<desk>("front").call<&desk::all>().get().size());
  CHECK(noted >= answered);
  CHECK(noted <= answered + lost);
}
