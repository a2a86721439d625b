// SPDX-License-Identifier: Apache-2.0
#include "books.hpp"

#include <fmt/format.h>

namespace bank_test {

void books::hear(const record& r) {
  using what = record::what;
  if (r.kind == what::ready || r.kind == what::finished || r.kind == what::complaint) return;
  if (orders_.size() < r.number) orders_.resize(r.number);
  entry& e = orders_[r.number - 1];
  if (r.kind == what::trying) {
    e.tried = true;
    e.from = r.from;
    e.to = r.to;
    e.amount = r.amount;
    return;
  }
  e.accepted = true;
  ++accepted_;
  if (r.kind == what::paid) e.told = verdict::paid;
  if (r.kind == what::refused) e.told = verdict::refused;
}

books::entry* books::find(std::uint64_t number) {
  return number == 0 || number > orders_.size() || !orders_[number - 1].tried ? nullptr : &orders_[number - 1];
}

std::vector<std::string> books::faults_of(const audit& seen) {
  faults all = seen.faults;
  count(seen, all);
  paid_ = 0;
  for (std::size_t i = 0; i < orders_.size(); ++i) {
    entry& e = orders_[i];
    check(i + 1, e, all);
    if (e.debits + e.refusals != 0) e.accepted = true;  // the bank has it, and may not lose it any more
    paid_ += e.debits;
  }
  return all;
}

void books::count(const audit& seen, faults& all) {
  for (entry& e : orders_) e.debits = e.credits = e.refusals = 0;
  bank::money sum = 0;
  for (std::size_t i = 0; i < accounts; ++i) {
    const bank::report& r = seen.reports[i];
    const auto stray = [&](std::uint64_t number) {
      all.push_back(fmt::format("{} knows of an order {} that is not like that", name_of(i), number));
    };
    bank::money booked = opening;
    for (const bank::line& line : r.statement) {
      booked += line.amount;
      entry* const e = find(line.order);
      const bool debit = line.amount < 0;
      if (e == nullptr || (debit ? e->from : e->to) != i || (debit ? -line.amount : line.amount) != e->amount) {
        stray(line.order);
      } else {
        ++(debit ? e->debits : e->credits);
      }
    }
    for (const std::uint64_t number : r.refused) {
      entry* const e = find(number);
      if (e == nullptr || e->from != i) {
        stray(number);
      } else {
        ++e->refusals;
      }
    }
    sum += r.balance;
    if (r.balance < 0) all.push_back(fmt::format("{} has {}", name_of(i), r.balance));
    if (r.balance != booked) {
      all.push_back(fmt::format("{} has {}, and {} by its statement", name_of(i), r.balance, booked));
    }
    if (r.waiting != 0) all.push_back(fmt::format("{} has {} messages left", name_of(i), r.waiting));
  }
  if (sum != total) all.push_back(fmt::format("there is {} in the bank, and should be {}", sum, total));
}

void books::check(std::uint64_t number, const entry& e, faults& all) const {
  const auto complain = [&](std::string_view what) {
    all.push_back(
        fmt::format("order {} of {} for {} to pay {}: {}", number, name_of(e.from), e.amount, name_of(e.to), what));
  };
  const std::uint32_t executed = e.debits + e.refusals;
  if (executed > 1) complain(fmt::format("executed {} times", executed));
  if (executed == 0 && e.accepted) complain("accepted, and lost");
  if (e.credits < e.debits) complain("the money has left, and not arrived");
  if (e.credits > e.debits) complain("more money has arrived than has left");
  if (e.told == verdict::paid && e.debits == 0) complain("said to be paid, and is not");
  if (e.told == verdict::refused && e.refusals == 0) complain("said to be refused, and is not");
}

}  // namespace bank_test
