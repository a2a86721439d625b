// SPDX-License-Identifier: Apache-2.0
#include "life.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "../lives/planted.hpp"
#include "actors.hpp"
#include "journal.hpp"

namespace crash {
namespace {

using what = record::what;

constexpr std::size_t threads = 3;

struct worker : lives::worker {
  worker(std::size_t n, std::uint64_t seed) : lives::worker{n, seed}, tokens{random()} {}

  std::uint64_t tokens;
  std::array<std::optional<troupe::actor_id>, mayflies_each> known{};
  std::array<bool, mayflies_each> looked_up{};
};

class traffic final : public lives::traffic<worker, journal> {
 public:
  explicit traffic(const life& how)
      : lives::traffic<worker, journal>{
            how, served(),
            lives::plant(how.fault, troupe::sqlite{how.database, {.synchronous = how.synchronous}}),
            {.workers = workers, .threads = threads}} {}

 private:
  void step_on_thread(worker& me) override { me.below(3) == 0 ? count_blocking(me) : step(me).get(); }

  troupe::task<> step(worker& me) override {
    switch (me.below(10)) {
      case 0:
      case 1: return count(me);
      case 2:
      case 3:
      case 4: return send(me);
      case 5: return tell(me);
      case 6: return watch(me);
      case 7: return tick(me);
      default: return use_mayfly(me);
    }
  }

  void count_blocking(worker& me) {
    const std::size_t i = me.below(counters);
    const auto target = client_.get_or_create<counter>(name_of("counter", i));
    if (me.below(3) == 0) {
      journal_.done(what::counter_read, i, target.call<&counter::read>().get());
    } else {
      journal_.trying(what::counter_add, i);
      journal_.done(what::counter_add, i, target.call<&counter::add>().get());
    }
  }

  troupe::task<> count(worker& me) {
    const std::size_t i = me.below(counters);
    const auto target = client_.get_or_create<counter>(name_of("counter", i));
    switch (me.below(8)) {
      case 0: co_await target.call<&counter::nap>(); break;
      case 1: {
        const auto value = co_await target.call<&counter::read>();
        journal_.done(what::counter_read, i, value);
        break;
      }
      case 2:
        journal_.trying(what::counter_add, i);
        target.post<&counter::add>();
        break;
      default: {
        journal_.trying(what::counter_add, i);
        const auto value = co_await target.call<&counter::add>();
        journal_.done(what::counter_add, i, value);
      }
    }
  }

  // A route that only climbs may be travelled exclusively: such travellers cannot wait for one another in a circle.
  troupe::task<> send(worker& me) {
    std::vector<std::size_t> stops{me.below(wallets)};
    for (std::size_t left = 1 + me.below(3); left > 0; --left) {
      const std::size_t next = me.below(wallets);
      if (next != stops.back()) stops.push_back(next);
    }
    if (stops.size() == 1) stops.push_back((stops.front() + 1) % wallets);
    std::uint64_t packed = ~std::uint64_t{0};
    std::vector<std::string> route;
    for (std::size_t i = stops.size() - 1; i > 0; --i) packed = packed << 8 | stops[i];
    for (std::size_t i = 1; i < stops.size(); ++i) route.push_back(name_of("wallet", stops[i]));
    const auto from = client_.get_or_create<wallet>(name_of("wallet", stops.front()));
    const std::uint64_t amount = 1 + me.below(20);
    const bool climbs = std::is_sorted(stops.begin(), stops.end());
    journal_.trying(what::wallet_send, stops.front(), packed);
    if (climbs) {
      co_await from.call<&wallet::send_alone>(amount, std::move(route));
    } else {
      co_await from.call<&wallet::send>(amount, std::move(route));
    }
    journal_.done(what::wallet_send, stops.front(), packed);
  }

  troupe::task<> tell(worker& me) {
    const std::size_t i = me.below(wallets);
    const auto from = client_.get_or_create<wallet>(name_of("wallet", i));
    journal_.trying(what::wallet_tell, i);
    const auto number = co_await from.call<&wallet::tell>("big");
    journal_.done(what::wallet_tell, i, number);
  }

  troupe::task<> watch(worker& me) {
    const auto eye = client_.get_or_create<ledger>(me.below(2) == 0 ? "big" : "quick");
    co_await eye.call<&ledger::watch>(name_of("counter", me.below(counters)));
  }

  troupe::task<> tick(worker& me) {
    const std::size_t i = me.below(gauges);
    const auto target = client_.get_or_create<gauge>(name_of("gauge", i));
    journal_.trying(what::gauge_tick, i);
    if (me.below(4) == 0) {
      const auto value = co_await target.call<&gauge::tick_and_save>();
      journal_.done(what::gauge_tick, i, value);
    } else {
      co_await target.call<&gauge::tick>();
    }
  }

  // Each worker has mayflies of its own, so what it did last to one is what must be found.
  troupe::task<> use_mayfly(worker& me) {
    const std::size_t mine = me.below(mayflies_each);
    const std::size_t i = me.number * mayflies_each + mine;
    auto& known = me.known[mine];
    if (!me.looked_up[mine]) {
      const auto found = client_.get<mayfly>(mayfly_name(i));
      try {
        known = co_await found.resolve();
      } catch (const troupe::error& e) {
        if (!e.is(troupe::errc::not_found)) throw;
      }
      me.looked_up[mine] = true;
    }
    if (!known) {
      co_return co_await create(me, i, known);
    }
    const auto target = client_.get_for_id<mayfly>(*known);
    switch (me.below(6)) {
      case 0:
        journal_.trying(what::mayfly_end, i, 0, *known);
        co_await target.call<&mayfly::end>();
        co_await expect_gone(i, *known);
        journal_.done(what::mayfly_end, i, 0, *known);
        known.reset();
        break;
      case 1: {
        journal_.trying(what::mayfly_end, i, 0, *known);
        co_await target.call<&mayfly::end>();
        const auto old = *known;
        co_await create(me, i, known);  // at once, while the old one may still be going
        if (known == old) journal_.complain(fmt::format("{} was created anew with its old id", mayfly_name(i)));
        break;
      }
      case 2: co_await expect_taken(i, *known); break;
      default: {
        journal_.trying(what::mayfly_touch, i, 0, *known);
        const auto touches = co_await target.call<&mayfly::touch>();
        journal_.done(what::mayfly_touch, i, touches, *known);
      }
    }
  }

  troupe::task<> create(worker& me, std::size_t i, std::optional<troupe::actor_id>& known) {
    const mayfly::birth input{++me.tokens};
    troupe::tags labels;
    labels["worker"] = std::to_string(me.number);
    journal_.trying(what::mayfly_create, i, input.token);
    if (me.below(2) == 0) {
      const auto made = co_await client_.create<mayfly>(mayfly_name(i), input, labels);
      known = co_await made.resolve();
    } else {
      const auto made = client_.get_or_create<mayfly>(mayfly_name(i), input, labels);
      known = co_await made.resolve();
    }
    journal_.done(what::mayfly_create, i, input.token, *known);
  }

  troupe::task<> expect_gone(std::size_t i, troupe::actor_id id) {
    const auto ended = client_.get_for_id<mayfly>(id);
    bool gone = false;
    try {
      co_await ended.call<&mayfly::look>();
    } catch (const troupe::error& e) {
      gone = e.is(troupe::errc::not_found);
      if (!gone) throw;
    }
    if (!gone) journal_.complain(fmt::format("{} answers after its end", mayfly_name(i)));
  }

  troupe::task<> expect_taken(std::size_t i, troupe::actor_id id) {
    const mayfly::birth input{0};
    bool taken = false;
    try {
      const auto second = co_await client_.create<mayfly>(mayfly_name(i), input);
    } catch (const troupe::error& e) {
      taken = e.is(troupe::errc::duplicate_key) && e.metadata().find(id.str()) != std::string::npos;
      if (!taken) throw;
    }
    if (!taken) journal_.complain(fmt::format("{} was created though it exists", mayfly_name(i)));
  }
};

}  // namespace

int live(const life& how) {
  try {
    return traffic{how}.run();
  } catch (const std::exception& e) {
    journal{how.journal}.complain(e.what());
    return 1;
  }
}

}  // namespace crash
