// SPDX-License-Identifier: Apache-2.0
#include "life.hpp"

#include <atomic>
#include <chrono>
#include <exception>
#include <vector>

#include <fmt/format.h>

#include "accounts.hpp"
#include "journal.hpp"
#include "planted.hpp"

namespace bank_test {
namespace {

using namespace std::chrono_literals;
using bank::account;
using what = record::what;

constexpr std::size_t threads = 2, workers = 24, popular = 16;

struct worker : lives::worker {
  using lives::worker::worker;
  /// Everybody has business with some of them.
  std::size_t any_account() { return below(below(8) == 0 ? popular : accounts); }
};

class traffic final : public lives::traffic<worker, journal> {
 public:
  explicit traffic(const life& how)
      : lives::traffic<worker, journal>{
            how, served(),
            plant(how.fault, troupe::sqlite{how.database, {.synchronous = troupe::synchronous::normal}}),
            {.workers = workers, .threads = threads}},
        quiet_{how.quiet},
        next_order_{how.first_order} {}

 private:
  struct slip {
    std::size_t from = 0;
    bank::order order;
  };

  [[nodiscard]] bool is_quiet() const noexcept override { return quiet_; }

  troupe::task<> step(worker& me) override {
    const bool on_thread = has_thread(me);  // no when_all there
    const std::size_t dice = me.below(13);
    if (dice == 0) return look(me);
    if (dice == 1) return send_late(me);
    if (dice == 2) return send_impatiently(me);
    if (dice == 3 && !on_thread) return besiege(me);
    if (dice <= 5 && !on_thread) return send_many(me);
    if (dice <= 8) return transfer(me);
    return send(me);
  }

  slip write_slip(worker& me) {
    const std::size_t from = me.any_account();
    const std::size_t to = me.below(50) == 0 ? from : me.any_account();
    return write_slip(from, to, 1 + me.below(3 * opening / 2));
  }
  /// The next order, after the parent has been told of it.
  slip write_slip(std::size_t from, std::size_t to, std::size_t amount) {
    record r;
    r.kind = what::trying;
    r.from = static_cast<std::uint16_t>(from);
    r.to = static_cast<std::uint16_t>(to);
    r.amount = static_cast<std::uint32_t>(amount);
    r.number = next_order_++;
    journal_.write(r);
    slip s;
    s.from = from;
    s.order = {r.number, name_of(to), r.amount};
    return s;
  }

  troupe::handle<account> payer_of(const slip& s) const { return client_.get<account>(name_of(s.from)); }

  troupe::task<> send(worker& me) {
    const slip s = write_slip(me);
    const auto payer = payer_of(s);
    co_await payer.send(account::orders, s.order);
    journal_.say(what::accepted, s.order.number);
  }

  troupe::task<> transfer(worker& me) {
    const slip s = write_slip(me);
    const auto payer = payer_of(s);
    const auto paid = co_await payer.send_and_wait(account::orders, s.order);
    journal_.say(paid.value() ? what::paid : what::refused, s.order.number);
  }

  troupe::task<> send_late(worker& me) {
    const slip s = write_slip(me);
    const auto payer = payer_of(s);
    const troupe::delayed some{std::chrono::milliseconds{me.below(20)}};
    co_await payer.send(account::orders, s.order, some);
    journal_.say(what::accepted, s.order.number);
  }

  troupe::task<> send_many(worker& me) {
    std::vector<slip> slips;
    std::vector<troupe::task<>> sends;
    for (std::size_t left = 2 + me.below(20); left > 0; --left) slips.push_back(write_slip(me));
    for (const slip& s : slips) sends.push_back(send_one(s, 0ms));
    co_await troupe::when_all(std::move(sends));
  }
  // Many pay one at the same instant, and most likely it sleeps: more credits than its queue takes.
  troupe::task<> besiege(worker& me) {
    std::vector<slip> slips;
    std::vector<troupe::task<>> sends;
    const std::size_t payee = me.any_account();
    const std::chrono::milliseconds until{5 + me.below(15)};
    for (std::size_t i = 0; i < popular; ++i) slips.push_back(write_slip(i, payee, 1 + me.below(3)));
    for (const slip& s : slips) sends.push_back(send_one(s, until));
    co_await troupe::when_all(std::move(sends));
  }
  troupe::task<> send_one(const slip& s, std::chrono::milliseconds delay) {
    const auto payer = payer_of(s);
    const troupe::delayed by{delay};
    co_await payer.send(account::orders, s.order, by);
    journal_.say(what::accepted, s.order.number);
  }

  // Who has given up does not know what becomes of the order.
  troupe::task<> send_impatiently(worker& me) {
    const slip s = write_slip(me);
    const auto payer = payer_of(s).with(troupe::timeout{std::chrono::microseconds{me.below(2'000)}});
    try {
      const auto paid = co_await payer.send_and_wait(account::orders, s.order);
      journal_.say(paid.value() ? what::paid : what::refused, s.order.number);
    } catch (const troupe::error& e) {
      if (!e.is(troupe::errc::queue_timed_out) && !e.is(troupe::errc::store_unavailable)) throw;
    }
  }

  troupe::task<> look(worker& me) {
    const std::size_t i = me.any_account();
    const auto one = client_.get<account>(name_of(i));
    const bank::report r = co_await one.call<&account::read>();
    bank::money booked = opening;
    for (const bank::line& line : r.statement) booked += line.amount;
    if (r.balance < 0 || r.balance != booked) {
      journal_.complain(fmt::format("{} has {}, and {} by its statement", name_of(i), r.balance, booked));
    }
  }

  const bool quiet_;
  std::atomic<std::uint64_t> next_order_;
};

troupe::task<> open_accounts(troupe::client client) {
  for (std::size_t i = 0; i < accounts; ++i) {
    co_await client.create<account>(name_of(i), opening);
  }
}

}  // namespace

int live(const life& how) {
  try {
    return traffic{how}.run();
  } catch (const std::exception& e) {
    journal{how.journal}.complain(e.what());
    return 1;
  }
}

void found_bank(const std::string& database) {
  troupe::runtime runtime{
      served(), {.store = troupe::sqlite{database, {.synchronous = troupe::synchronous::normal}}, .threads = 1}};
  runtime.run(open_accounts(runtime.client()));
}

}  // namespace bank_test
