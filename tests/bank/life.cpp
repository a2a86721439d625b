#include "life.hpp"

#include <atomic>
#include <chrono>
#include <exception>
#include <latch>
#include <random>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "accounts.hpp"
#include "journal.hpp"
#include "planted.hpp"

namespace bank_test {
namespace {

using namespace std::chrono_literals;
using bank::account;
using what = record::what;

constexpr std::size_t threads = 2, workers = 24, popular = 16;

class traffic {
 public:
  explicit traffic(const life& how)
      : how_{how},
        journal_{how.journal},
        next_order_{how.first_order},
        runtime_{served(),
                 {.store = plant(how.fault, troupe::sqlite{how.database, {.synchronous = troupe::synchronous::normal}}),
                  .threads = 2,
                  .on_error = [this](const std::exception_ptr& e, std::string_view where) { hear_error(e, where); }}} {}

  int run() {
    journal_.say(what::ready);
    std::vector<std::jthread> host;
    for (std::size_t i = 0; i < threads; ++i) {
      host.emplace_back([this, i] { work_on_thread(i); });
    }
    for (std::size_t i = threads; i < workers; ++i) runtime_.spawn(work_in_coroutine(i));
    char nothing = 0;
    while (::read(how_.leash, &nothing, 1) > 0) {
    }
    stopping_ = true;
    ended_.wait();
    host.clear();
    runtime_.shutdown();
    journal_.say(what::finished);
    return 0;
  }

 private:
  struct worker {
    worker(std::size_t n, std::uint64_t seed) : number{n}, random{seed ^ (0x9E3779B97F4A7C15U * (n + 1))} {}
    std::size_t below(std::size_t limit) { return random() % limit; }
    /// Everybody has business with some of them.
    std::size_t any_account() { return below(below(8) == 0 ? popular : accounts); }

    std::size_t number;
    std::mt19937_64 random;
  };
  struct slip {
    std::size_t from = 0;
    bank::order order;
  };

  void work_on_thread(std::size_t number) {
    worker me{number, how_.seed};
    try {
      while (!stopping_ && !how_.quiet) step(me).get();
    } catch (const std::exception& e) {
      journal_.complain(fmt::format("worker {}: {}", number, e.what()));
    }
    ended_.count_down();
  }

  troupe::task<> work_in_coroutine(std::size_t number) {
    worker me{number, how_.seed};
    std::string complaint;
    try {
      while (!stopping_ && !how_.quiet) {
        co_await step(me);
      }
    } catch (const std::exception& e) {
      complaint = e.what();
    }
    if (!complaint.empty()) journal_.complain(fmt::format("worker {}: {}", number, complaint));
    ended_.count_down();
  }

  troupe::task<> step(worker& me) {
    const bool on_thread = me.number < threads;  // no when_all there
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

  void hear_error(const std::exception_ptr& failure, std::string_view where) {
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& e) {
      journal_.complain(fmt::format("{}: {}", where, e.what()));
    }
  }

  const life how_;
  const journal journal_;
  std::atomic<std::uint64_t> next_order_;
  std::atomic<bool> stopping_{false};
  std::latch ended_{workers};
  troupe::runtime runtime_;
  const troupe::client client_ = runtime_.client();
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
