// SPDX-License-Identifier: Apache-2.0
// Events: an actor tells its connections what has happened, once that is durable. Use them for what others want to
// follow: a screen, a log, another actor. What must not get lost while nobody listens belongs into the actor's state,
// where a listener that comes late can read it, or into a queue.

#include <troupe/troupe.hpp>

#include <vector>

#include "support.hpp"

struct bid {
  std::string bidder;
  std::int64_t cents = 0;
};

// [auction]
struct auction {
  static constexpr troupe::event<"bidPlaced", bid> bid_placed{};
  static constexpr troupe::event<"outbid", std::string, std::int64_t> outbid{};  // by whom, and how much it is now
  static constexpr troupe::event<"reserveMet"> reserve_met{};

  std::string seller = "sally";
  std::vector<bid> bids;

  std::string create_connection_state(troupe::context<auction>&, const std::string& name) { return name; }
  bool can_subscribe(troupe::context<auction>& c, std::string_view event) {
    return event != reserve_met.name || c.connection()->state() == seller;
  }

  void place(troupe::context<auction>& c, std::int64_t cents) {
    const auto bidder = c.connection();
    if (!bidder) throw troupe::user_error{"who", "Connect to bid"};
    if (!bids.empty() && cents <= bids.back().cents) throw troupe::user_error{"too_little", "There is a higher bid"};
    for (const auto& p : c.connections()) {
      if (!bids.empty() && p.state() == bids.back().bidder) p.send(outbid, bidder->state(), cents);  // to one
    }
    bids.push_back(bid{bidder->state(), cents});
    c.broadcast(bid_placed, bids.back());  // to all that listen
    if (cents >= 100'00) c.broadcast(reserve_met);
  }
  std::vector<bid> all_bids() const { return bids; }

  using actor = troupe::actor<auction, &auction::place, &auction::all_bids, bid_placed, outbid, reserve_met>;
};
// [/auction]

troupe::task<> an_evening(troupe::handle<auction> vase) {
  auto sally = co_await vase.connect("sally");
  auto alice = co_await vase.connect("alice");
  auto bob = co_await vase.connect("bob");

  auto followed = sally.stream(auction::bid_placed);
  auto reserve = sally.next(auction::reserve_met);
  auto alarm = alice.next(auction::outbid);

  co_await alice.call<&auction::place>(50'00);
  co_await bob.call<&auction::place>(75'00);

  // [next]
  const auto news = co_await std::move(alarm);  // an event of several values is a tuple
  const auto& [by, cents] = news;
  check(by == "bob" && cents == 75'00);
  // [/next]
  co_await alice.call<&auction::place>(120'00);
  co_await std::move(reserve);

  // [stream]
  std::int64_t highest = 0;
  for (int i = 0; i < 3; ++i) {
    const auto placed = co_await followed.next();  // nothing, once the connection has been closed
    if (!placed) break;
    highest = placed->cents;
  }
  // [/stream]
  check(highest == 120'00);

  // [denied]
  auto curious = bob.stream(auction::reserve_met);
  std::string denied;
  try {
    co_await curious.ready();
  } catch (const troupe::error& e) {
    denied = e.code();  // forbidden; bob stays connected, and hears all else
  }
  // [/denied]
  check(denied == "forbidden" && bob.connected());
}

int main() {
  troupe::registry registry;
  registry.use<auction>("auction");
  troupe::runtime runtime{registry};
  runtime.run(an_evening(runtime.client().get_or_create<auction>("vase")));
  return 0;
}
