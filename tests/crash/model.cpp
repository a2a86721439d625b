// SPDX-License-Identifier: Apache-2.0
#include "model.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace crash {
namespace {

constexpr std::size_t ended_max = 200;

const dealings& between(const std::optional<wallet>& of, std::size_t with) {
  static const dealings none;
  if (!of) return none;
  const auto found = of->with.find(troupe::key{name_of("wallet", with)}.canonical());
  return found == of->with.end() ? none : found->second;
}

}  // namespace

void model::hear(const record& r) {
  using what = record::what;
  acknowledged_ += r.acknowledged ? 1 : 0;
  const auto note = [&r](bounds& b) {
    if (!r.acknowledged) {
      ++b.tried;
    } else {
      ++b.acknowledged;
      b.least = std::max(b.least, r.value);
    }
  };
  switch (r.kind) {
    case what::counter_add: return note(counts_.at(r.subject));
    case what::counter_read: {
      auto& b = counts_.at(r.subject);
      b.least = std::max(b.least, r.value);
      return;
    }
    case what::gauge_tick: return note(dials_.at(r.subject));
    case what::wallet_tell: return note(told_.at(r.subject));
    case what::wallet_send: {
      std::size_t from = r.subject;
      for (std::uint64_t route = r.value; (route & 0xff) != 0xff; route >>= 8) {
        auto& b = sent_.at(from).at(route & 0xff);
        ++(r.acknowledged ? b.acknowledged : b.tried);
        from = route & 0xff;
      }
      return;
    }
    case what::mayfly_create:
    case what::mayfly_touch:
    case what::mayfly_end: return hear_mayfly(r);
    case what::ready:
    case what::finished:
    case what::complaint: return;
  }
}

void model::hear_mayfly(const record& r) {
  using what = record::what;
  mayfly_record& m = mayflies_.at(r.subject);
  if (!r.acknowledged) {
    if (r.kind == what::mayfly_create) m.may_be.push_back(r.value);
    if (r.kind == what::mayfly_touch) ++m.touches.tried;
    if (r.kind == what::mayfly_end) m.may_be_gone = true;
    return;
  }
  if (r.kind == what::mayfly_touch) {
    m.touches.least = r.value;
    return;
  }
  if (m.id) ended_.push_back(*m.id);  // a new one has the key, or none
  if (ended_.size() > ended_max) ended_.erase(ended_.begin());
  m = mayfly_record{};
  if (r.kind == what::mayfly_create) {
    m.id = r.id;
    m.token = r.value;
  }
}

std::vector<std::string> model::faults_of(const observation& seen) const {
  faults all = seen.faults;
  check_counters(seen, all);
  check_gauges(seen, all);
  check_wallets(seen, all);
  check_ledgers(seen, all);
  check_mayflies(seen, all);
  check_ids(seen, all);
  return all;
}

void model::check_counters(const observation& seen, faults& all) const {
  for (std::size_t i = 0; i < counters; ++i) {
    const auto& b = counts_[i];
    const std::uint64_t value = seen.counts[i] ? seen.counts[i]->value : 0;
    const auto name = name_of("counter", i);
    if (value < b.least) all.push_back(fmt::format("{} is {}, and {} was acknowledged", name, value, b.least));
    if (value < b.base + b.acknowledged) {
      all.push_back(fmt::format("{} is {}: {} and {} acknowledged additions", name, value, b.base, b.acknowledged));
    }
    if (value > b.most()) all.push_back(fmt::format("{} is {}, at most {} can be", name, value, b.most()));
    if (seen.counts[i] && !seen.counts[i]->weight.shows(value)) all.push_back(name + " is torn");
  }
}

void model::check_gauges(const observation& seen, faults& all) const {
  for (std::size_t i = 0; i < gauges; ++i) {
    const auto& b = dials_[i];
    const auto name = name_of("gauge", i);
    const std::uint64_t value = seen.dials[i] ? seen.dials[i]->value : 0;
    if (value < b.least) all.push_back(fmt::format("{} is {}, and {} was saved", name, value, b.least));
    if (value < b.base) all.push_back(fmt::format("{} is {}, and was {} before this life", name, value, b.base));
    if (value > b.most()) all.push_back(fmt::format("{} is {}, at most {} can be", name, value, b.most()));
    if (seen.dials[i] && (seen.dials[i]->thrice != 3 * value || !seen.dials[i]->weight.shows(value))) {
      all.push_back(name + " is in a state that it never had");
    }
  }
}

void model::check_wallets(const observation& seen, faults& all) const {
  std::int64_t balances = 0;
  std::int64_t travelling = 0;
  std::int64_t purses = 0;
  for (std::size_t a = 0; a < wallets; ++a) {
    const auto name = name_of("wallet", a);
    const auto& purse = seen.purses[a];
    std::int64_t expected = wallet::initial_balance;
    std::uint64_t steps = purse ? purse->told : 0;
    for (std::size_t b = 0; b < wallets; ++b) {
      const dealings& here = between(purse, b);
      const dealings& there = between(seen.purses[b], a);
      const auto pair = fmt::format("{} to {}", name, name_of("wallet", b));
      const auto require = [&](bool holds, std::string_view promise) {
        if (holds) return;
        all.push_back(fmt::format("{}: {} (sent {}/{}, received {}/{}, confirmed {}; acknowledged {} on {})", pair,
                                  promise, here.sent, here.sent_amount, there.received, there.received_amount,
                                  here.confirmed, sent_[a][b].acknowledged, sent_[a][b].base));
      };
      require(there.received <= here.sent, "received what was not sent");
      require(there.received_amount <= here.sent_amount, "received more than was sent");
      require(here.confirmed <= there.received, "confirmed what was not received");
      require(here.confirmed >= sent_[a][b].base + sent_[a][b].acknowledged, "an acknowledged transfer is lost");
      require(here.sent <= sent_[a][b].most(), "sent what nobody asked for");
      expected += static_cast<std::int64_t>(here.received_amount) - static_cast<std::int64_t>(here.sent_amount);
      travelling += static_cast<std::int64_t>(here.sent_amount) - static_cast<std::int64_t>(there.received_amount);
      steps += here.sent + here.confirmed + here.received;
    }
    if (!purse) continue;
    ++purses;
    balances += purse->balance;
    const bool whole = purse->balance == expected && purse->steps == steps && purse->weight.shows(steps);
    if (!whole) all.push_back(name + " is torn");
    if (purse->told < std::max(told_[a].least, told_[a].base)) all.push_back(name + " forgot what it has told");
    if (purse->told > told_[a].most()) all.push_back(name + " has told more than it was asked to");
  }
  if (balances + travelling != purses * wallet::initial_balance) {
    all.push_back(fmt::format("money: {} in wallets and {} travelling, {} expected", balances, travelling,
                              purses * wallet::initial_balance));
  }
}

void model::check_ledgers(const observation& seen, faults& all) const {
  for (const auto& [name, book] : seen.ledgers) {
    for (std::size_t a = 0; a < wallets; ++a) {
      const auto& purse = seen.purses[a];
      const auto about = name_of("wallet", a);
      const auto noted = [key = troupe::key{about}.canonical()](const auto& numbers) {
        const auto found = numbers.find(key);
        return found == numbers.end() ? 0 : found->second;
      };
      if (noted(book.heard) > (purse ? purse->told : 0)) {
        all.push_back(fmt::format("ledger {} heard {} of {}, told less", name, noted(book.heard), about));
      }
      if (noted(book.hinted) > (purse ? purse->sent : 0)) {
        all.push_back(fmt::format("ledger {} was hinted {} of {}, sent less", name, noted(book.hinted), about));
      }
      if (name == "big" && noted(book.heard) < told_[a].least) {
        all.push_back(fmt::format("ledger {} forgot: {} of {} was acknowledged", name, told_[a].least, about));
      }
    }
    for (std::size_t i = 0; i < counters; ++i) {
      const auto found = book.seen.find(name_of("counter", i));
      if (found != book.seen.end() && found->second > (seen.counts[i] ? seen.counts[i]->value : 0)) {
        all.push_back(fmt::format("ledger {} has seen {} at {}, too early", name, found->first, found->second));
      }
    }
  }
  const bool told = std::ranges::any_of(told_, [](const bounds& b) { return b.acknowledged != 0; });
  if (told && !seen.ledgers.contains("big")) all.push_back("the big ledger is gone");
}

void model::check_mayflies(const observation& seen, faults& all) const {
  for (std::size_t i = 0; i < mayflies_.size(); ++i) {
    const auto& m = mayflies_[i];
    const auto& found = seen.mayflies[i];
    const auto name = mayfly_name(i);
    if (!found) {
      if (m.id && !m.may_be_gone) all.push_back(name + " is gone, and nobody ended it");
    } else if (found->key != troupe::key{name}.canonical()) {
      all.push_back(name + " answers as " + found->key);
    } else if (found->id == m.id) {
      if (found->token != m.token) all.push_back(name + " is another under the same id");
      if (found->touches < m.touches.least || found->touches > m.touches.most()) {
        all.push_back(fmt::format("{} has {} touches, {} to {} can be", name, found->touches, m.touches.least,
                                  m.touches.most()));
      }
    } else if (std::ranges::find(m.may_be, found->token) == m.may_be.end()) {
      all.push_back(name + " is one that nobody created");
    } else if (m.id && !m.may_be_gone) {
      all.push_back(name + " was replaced, and nobody ended it");
    }
  }
}

void model::check_ids(const observation& seen, faults& all) const {
  for (const auto& [name, id] : ids_) {
    const auto found = seen.ids.find(name);
    if (found == seen.ids.end()) {
      all.push_back(name + " is gone");
    } else if (found->second != id) {
      all.push_back(name + " has another id than before");
    }
  }
}

void model::adopt(const observation& seen) {
  const auto from = [](std::uint64_t value) {
    bounds b;
    b.least = b.base = value;
    return b;
  };
  for (std::size_t i = 0; i < counters; ++i) counts_[i] = from(seen.counts[i] ? seen.counts[i]->value : 0);
  for (std::size_t i = 0; i < gauges; ++i) dials_[i] = from(seen.dials[i] ? seen.dials[i]->value : 0);
  for (std::size_t a = 0; a < wallets; ++a) {
    // What a wallet has told may not have been heard: it died in between.
    told_[a].base = seen.purses[a] ? seen.purses[a]->told : 0;
    told_[a].tried = told_[a].acknowledged = 0;
    for (std::size_t b = 0; b < wallets; ++b) {
      const dealings& d = between(seen.purses[a], b);
      sent_[a][b] = bounds{};
      sent_[a][b].base = d.confirmed;
      sent_[a][b].tried = d.sent - d.confirmed;  // never to be confirmed
    }
  }
  for (std::size_t i = 0; i < mayflies_.size(); ++i) {
    mayfly_record& m = mayflies_[i];
    const auto& found = seen.mayflies[i];
    if (m.id && (!found || found->id != *m.id)) ended_.push_back(*m.id);
    m = mayfly_record{};
    if (!found) continue;
    m.id = found->id;
    m.token = found->token;
    m.touches = from(found->touches);
  }
  ids_ = seen.ids;
}

}  // namespace crash
