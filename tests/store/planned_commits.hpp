// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <troupe/store/memory_store.hpp>
#include <troupe/testing/seeded_random.hpp>

#include "store_calls.hpp"

/// Of `planned_commits`.
inline constexpr std::array<std::uint32_t, 2> collections{1, 7};

/// All that a store has, as text: two stores with the same contents give the same.
inline std::string describe(troupe::store& store) {
  std::string all;
  for (const std::string_view name : {"counter", "room"}) {
    troupe::list_request page;
    page.name = name;
    page.done = [](troupe::list_request&) noexcept {};
    store.list(page);
    if (page.failure) std::rethrow_exception(page.failure);
    for (const troupe::actor_record& listed : page.found) {
      troupe::load_request load;
      load.name = listed.name;
      load.key = listed.key;
      load.with_messages = true;
      load.with_parts = collections;
      load.done = [](troupe::load_request&) noexcept {};
      store.load(load);
      if (load.failure) std::rethrow_exception(load.failure);
      if (!load.found || load.found->id != listed.id) throw std::runtime_error(listed.key + " is not under its key");
      const troupe::actor_record& actor = *load.found;
      all += fmt::format("{}/{} v{} {} '{}'", actor.name, actor.key, actor.version, actor.initialised ? "made" : "new",
                         store_calls::to_text(actor.state));
      if (actor.input) all += fmt::format(" input '{}'", store_calls::to_text(*actor.input));
      for (const auto& [label, value] : actor.labels) all += fmt::format(" {}={}", label, value);
      for (const auto& m : actor.messages) {
        all += fmt::format(" [{} {}{} x{} at {}: {}]", m.id, m.queue, m.dead ? " dead" : "", m.attempts,
                           m.due_at.time_since_epoch().count(), store_calls::to_text(m.body));
      }
      for (const auto& row : actor.parts) {
        all += fmt::format(" ({} {}: {})", row.collection, store_calls::to_text(row.key),
                           store_calls::to_text(row.value));
      }
      all += '\n';
    }
  }
  const troupe::tags red{{"colour", "red"}, {"shape", "round"}};
  troupe::list_request tagged;
  tagged.name = "room";
  tagged.labels = &red;
  tagged.done = [](troupe::list_request&) noexcept {};
  store.list(tagged);
  if (tagged.failure) std::rethrow_exception(tagged.failure);
  for (const auto& actor : tagged.found) all += fmt::format("red and round {}\n", actor.key);

  troupe::waiting_request waiting;
  waiting.done = [](troupe::waiting_request&) noexcept {};
  store.list_waiting(waiting);
  if (waiting.failure) std::rethrow_exception(waiting.failure);
  for (const auto& actor : waiting.found) all += fmt::format("waiting {}/{}\n", actor.name, actor.key);
  all += "due " + store_calls::due(store) + '\n';
  return all + "on its way " + store_calls::outgoing(store) + '\n';
}

/// Commits that follow from a seed, and what a store has after each of them. They are committed in their order, each as
/// often as it takes. The model is `troupe::memory`, which `check_store` has tried.
class planned_commits {
 public:
  explicit planned_commits(std::uint64_t seed, std::size_t count) : random_{seed} {
    const auto model = troupe::memory{}();
    states_.push_back(describe(*model));
    for (std::size_t at = 0; at != count; ++at) {
      troupe::commit_request& next = plan();
      model->commit(next);
      if (next.failure) std::rethrow_exception(next.failure);
      states_.push_back(describe(*model));
    }
  }

  [[nodiscard]] std::size_t size() const { return requests_.size(); }

  [[nodiscard]] troupe::commit_request& operator[](std::size_t at) { return requests_[at]; }

  /// After so many of the commits.
  [[nodiscard]] const std::string& state_after(std::size_t commits) const { return states_[commits]; }

 private:
  using action = troupe::write_set::action;

  struct actor {
    bool exists = false;
    std::uint64_t last_message = 0;
    std::set<std::uint64_t> messages{};
  };

  static constexpr std::uint8_t actors_max = 6;

  troupe::commit_request& plan() {
    troupe::commit_request& request = requests_.emplace_back();
    request.done = [](troupe::commit_request&) noexcept {};
    const std::uint64_t first = random_.below(actors_max);
    const std::uint64_t count = 1 + random_.below(3);
    for (std::uint64_t at = 0; at != count; ++at) plan_write(request, 1 + (first + at) % actors_max);
    if (!outgoing_.empty() && random_.below(8) == 0) request.undeliverable.push_back(take_outgoing());
    return request;
  }

  void plan_write(troupe::commit_request& request, std::uint64_t number) {
    actor& of = actors_[number];
    troupe::write_set& write = request.writes.emplace_back();
    write.id = store_calls::id(static_cast<std::uint8_t>(number));
    if (!of.exists) {
      plan_creation(write, number);
      of.exists = true;
    } else if (random_.below(8) == 0) {
      write.what = action::destroy;
      of.exists = false;
      of.messages.clear();
      return;
    } else if (random_.below(3) == 0) {
      write.what = action::keep;
    } else {
      write.version = 1 + static_cast<std::uint32_t>(random_.below(3));
      const std::uint64_t large = random_.below(2) == 0 ? 20'000 : 10'000;  // to its row at once; to the log
      write.state = text(random_.below(8) == 0 ? large : random_.below(600));
    }
    plan_messages(write, of);
    plan_parts(write);
  }

  void plan_creation(troupe::write_set& write, std::uint64_t number) {
    auto& creation = creations_.emplace_back();
    creation.name = number % 2 == 0 ? "counter" : "room";
    creation.key = texts_.emplace_back(fmt::format("key-{}-{}", number, ++creations_made_));
    if (random_.below(2) == 0) {
      creation.labels = &labels_.emplace_back(troupe::tags{{"colour", "red"}, {"shape", number == 5 ? "flat" : "round"}});
    }
    write.what = action::create;
    write.created = &creation;
    write.initialised = random_.below(3) != 0;
    if (write.initialised) {
      write.state = text(random_.below(600));
    } else {
      creation.input = text(random_.below(100));
    }
  }

  void plan_messages(troupe::write_set& write, actor& of) {
    auto& puts = puts_.emplace_back();
    auto& removed = numbers_.emplace_back();
    auto& arrived = numbers_.emplace_back();
    auto& sent = sents_.emplace_back();
    if (!of.messages.empty() && random_.below(2) == 0) {
      removed.push_back(*of.messages.begin());
      of.messages.erase(of.messages.begin());
    }
    if (!of.messages.empty() && random_.below(3) == 0) {
      puts.push_back({.id = *of.messages.rbegin(), .queue = "later", .dead = random_.below(2) == 0, .attempts = 2});
    }
    if (!outgoing_.empty() && random_.below(2) == 0) arrived.push_back(take_outgoing());
    if (!arrived.empty() || random_.below(3) == 0) {
      puts.push_back({.id = ++of.last_message, .queue = "queue", .body = text(random_.below(200))});
      puts.back().due_at += std::chrono::milliseconds{random_.below(1000)};
      of.messages.insert(of.last_message);
    }
    if (random_.below(3) == 0) {
      sent.push_back({.id = ++last_sent_, .content = text(random_.below(200))});
      outgoing_.insert(last_sent_);
    }
    write.messages = puts;
    write.removed = removed;
    write.sent = sent;
    write.arrived = arrived;
  }

  void plan_parts(troupe::write_set& write) {
    auto& changes = parts_.emplace_back();
    while (random_.below(2) == 0) {
      auto& change = changes.emplace_back();
      change.collection = collections[random_.below(collections.size())];
      change.key = bytes_.emplace_back(store_calls::to_bytes(fmt::format("key-{}", random_.below(4))));
      if (random_.below(4) == 0) continue;
      change.value = text(random_.below(8) == 0 ? 9'000 : random_.below(300));
      if (random_.below(2) == 0) change.due.emplace(std::chrono::milliseconds{random_.below(1000)});
    }
    write.parts = changes;
  }

  std::uint64_t take_outgoing() {
    const std::uint64_t id = *outgoing_.begin();
    outgoing_.erase(outgoing_.begin());
    return id;
  }

  troupe::bytes_view text(std::uint64_t length) {
    std::string made = fmt::format("{}:", ++texts_made_);
    made.append(length, static_cast<char>('a' + texts_made_ % 26));
    return bytes_.emplace_back(store_calls::to_bytes(made));
  }

  troupe::testing::seeded_random random_;
  std::map<std::uint64_t, actor> actors_;
  std::set<std::uint64_t> outgoing_;
  std::uint64_t last_sent_ = 0;
  std::uint64_t creations_made_ = 0;
  std::uint64_t texts_made_ = 0;

  std::deque<troupe::commit_request> requests_;
  std::vector<std::string> states_;
  std::deque<troupe::bytes> bytes_;
  std::deque<std::string> texts_;
  std::deque<troupe::tags> labels_;
  std::deque<troupe::write_set::creation> creations_;
  std::deque<std::vector<troupe::write_set::message>> puts_;
  std::deque<std::vector<troupe::write_set::sent_message>> sents_;
  std::deque<std::vector<std::uint64_t>> numbers_;
  std::deque<std::vector<troupe::part_change>> parts_;
};
