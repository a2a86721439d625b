// SPDX-License-Identifier: Apache-2.0
#include "audit.hpp"

#include <chrono>
#include <exception>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace bank_test {
namespace {

using namespace std::chrono_literals;
using bank::account;

constexpr std::size_t readers = 8;
constexpr auto stillness = 8s;  // what finds no place is tried again after 1 s, 2 s and 4 s

class auditor {
 public:
  explicit auditor(const std::string& database)
      : runtime_{served(),
                 {.store = troupe::sqlite{database, {.synchronous = troupe::synchronous::normal}},
                  .threads = 2,
                  .on_error = [this](const auto& e, std::string_view where) { hear_error(e, where); }}} {}

  audit look() {
    seen_.reports.resize(accounts);
    runtime_.run(wait_until_still());
    runtime_.shutdown();
    return std::move(seen_);
  }

 private:
  /// What tells whether anything has moved.
  struct figures {
    bank::money balances = 0;
    std::size_t waiting = 0;
    std::size_t lines = 0;
    bool operator==(const figures&) const = default;
  };

  // When nothing waits and the total is right, nothing is on its way. When it is not right, something still may be.
  troupe::task<> wait_until_still() {
    auto changed = std::chrono::steady_clock::now();
    figures last;
    while (true) {
      const figures now = co_await read_all();
      if (now.waiting == 0 && now.balances == total) co_return;
      if (now != last) changed = std::chrono::steady_clock::now();
      if (std::chrono::steady_clock::now() - changed > stillness) break;
      last = now;
      co_await troupe::delay(2ms);
    }
    if (last.waiting != 0) seen_.faults.push_back(fmt::format("{} messages are never handled", last.waiting));
    if (last.balances != total) {
      seen_.faults.push_back(fmt::format("all accounts have {}, and should have {}", last.balances, total));
    }
  }

  troupe::task<figures> read_all() {
    std::vector<troupe::task<>> reading;
    for (std::size_t i = 0; i < readers; ++i) reading.push_back(read_some(i));
    co_await troupe::when_all(std::move(reading));
    figures f;
    for (const bank::report& r : seen_.reports) {
      f.balances += r.balance;
      f.waiting += r.waiting;
      f.lines += r.statement.size() + r.refused.size();
    }
    co_return f;
  }
  troupe::task<> read_some(std::size_t first) {
    for (std::size_t i = first; i < accounts; i += readers) {
      const auto one = client_.get<account>(name_of(i));
      seen_.reports[i] = co_await one.call<&account::read>();
    }
  }

  void hear_error(const std::exception_ptr& failure, std::string_view where) {
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& e) {
      seen_.faults.push_back(fmt::format("{}: {}", where, e.what()));
    }
  }

  audit seen_;
  troupe::runtime runtime_;
  const troupe::client client_ = runtime_.client();
};

/// What the store says is in queues, or on its way.
std::vector<std::string> leftovers(const std::string& database) {
  std::vector<std::string> found;
  const auto store = troupe::sqlite{database}();
  troupe::outgoing_request outgoing;
  outgoing.done = [](troupe::outgoing_request&) noexcept {};
  store->list_outgoing(outgoing);
  for (const auto& each : outgoing.found) found.push_back(fmt::format("message {} is still on its way", each.id));
  troupe::waiting_request waiting;
  waiting.done = [](troupe::waiting_request&) noexcept {};
  store->list_waiting(waiting);
  for (const auto& each : waiting.found) found.push_back(fmt::format("{} still has messages", each.key));
  store->close();
  return found;
}

}  // namespace

audit inspect(const std::string& database) {
  audit seen = auditor{database}.look();
  for (std::string& each : leftovers(database)) seen.faults.push_back(std::move(each));
  return seen;
}

}  // namespace bank_test
