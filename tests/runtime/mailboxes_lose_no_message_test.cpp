// SPDX-License-Identifier: Apache-2.0
// The mailbox by itself: who may lock it, and that each message comes to one holder, in order.

#include <catch2/catch.hpp>

#include <array>
#include <atomic>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include <troupe/runtime/mailbox.hpp>
#include <troupe/testing/seeded_random.hpp>
#include <troupe/testing/seeds.hpp>

using troupe::detail::mailbox;
using outcome = mailbox::outcome;
using unlocked = mailbox::unlocked;

namespace {

struct message final : troupe::work {
  std::size_t sender = 0;
  std::size_t number = 0;
};

message& as_message(troupe::work& w) { return static_cast<message&>(w); }

std::vector<std::size_t> taken_from(troupe::work_list& list) {
  std::vector<std::size_t> numbers;
  while (auto* const w = list.pop_front()) numbers.push_back(as_message(*w).number);
  return numbers;
}

void make_locked(mailbox& m) { REQUIRE(m.lock_dormant()); }

}  // namespace

TEST_CASE("a new mailbox is dormant, and no call and no message locks it by itself") {
  mailbox m;
  message w;
  CHECK(m.is_dormant());
  CHECK_FALSE(m.try_lock());
  CHECK_FALSE(m.lock_briefly());
  CHECK(m.enqueue(w) == outcome::dormant);
  CHECK(m.lock_dormant());
  CHECK_FALSE(m.is_dormant());
  CHECK_FALSE(m.lock_dormant());
}

TEST_CASE("an idle mailbox is locked by one thread at a time") {
  mailbox m;
  message w;
  make_locked(m);
  CHECK_FALSE(m.try_lock());
  CHECK(m.unlock_idle());
  CHECK(m.try_lock());
  CHECK_FALSE(m.lock_briefly());
  CHECK(m.unlock(unlocked::idle));
  CHECK(m.lock_briefly());
  CHECK(m.unlock_idle());
  CHECK(m.enqueue(w) == outcome::locked);
  CHECK_FALSE(m.try_lock());
}

TEST_CASE("a closed mailbox is locked by messages alone") {
  mailbox m;
  message w;
  make_locked(m);
  CHECK(m.unlock(unlocked::closed));
  CHECK_FALSE(m.try_lock());
  CHECK_FALSE(m.lock_briefly());
  CHECK_FALSE(m.lock_dormant());
  CHECK(m.enqueue(w) == outcome::locked);
  CHECK(m.unlock(unlocked::dormant));
  CHECK(m.is_dormant());
}

TEST_CASE("a mailbox with messages is not unlocked, and gives them in the order of their arrival") {
  mailbox m;
  make_locked(m);
  std::array<message, 4> all;
  for (std::size_t i = 0; i != all.size(); ++i) all[i].number = i;
  troupe::work_list received;
  received.push_back(all[3]);
  for (std::size_t i = 0; i != 3; ++i) CHECK(m.enqueue(all[i]) == outcome::queued);
  CHECK_FALSE(m.unlock_idle());
  CHECK_FALSE(m.unlock(unlocked::closed));
  CHECK_FALSE(m.unlock(unlocked::dormant));
  CHECK_FALSE(m.lock_briefly());
  m.receive(received);
  CHECK(taken_from(received) == std::vector<std::size_t>{0, 1, 2, 3});
  m.receive(received);
  CHECK(received.empty());
  CHECK(m.unlock_idle());
}

// The model: a state, and a queue. What one thread does one step after the other, in any order.
TEST_CASE("a mailbox does in any order of steps what its table says") {
  troupe::testing::for_each_seed(200, [](std::uint64_t seed) {
    troupe::testing::seeded_random random{seed};
    mailbox m;
    enum class state { idle, closed, dormant, locked } now = state::dormant;
    std::deque<std::size_t> waiting;
    std::vector<std::unique_ptr<message>> all;
    const auto unlock_to = [&](unlocked to, state then) {
      const bool may = now == state::locked && waiting.empty();
      if (now != state::locked) return;
      REQUIRE((to == unlocked::idle && random.chance(0.5) ? m.unlock_idle() : m.unlock(to)) == may);
      if (may) now = then;
    };
    for (int step = 0; step != 400; ++step) {
      switch (random.below(8)) {
        case 0:
        case 1: {
          all.push_back(std::make_unique<message>());
          all.back()->number = all.size();
          const auto found = m.enqueue(*all.back());
          if (now == state::dormant) {
            REQUIRE(found == outcome::dormant);
          } else if (now == state::locked) {
            REQUIRE(found == outcome::queued);
            waiting.push_back(all.size());
          } else {
            REQUIRE(found == outcome::locked);
            now = state::locked;
          }
          break;
        }
        case 2:
          REQUIRE((random.chance(0.5) ? m.try_lock() : m.lock_briefly()) == (now == state::idle));
          if (now == state::idle) now = state::locked;
          break;
        case 3:
          REQUIRE(m.lock_dormant() == (now == state::dormant));
          if (now == state::dormant) now = state::locked;
          break;
        case 4: {
          if (now != state::locked) break;
          troupe::work_list received;
          m.receive(received);
          REQUIRE(taken_from(received) == std::vector<std::size_t>{waiting.begin(), waiting.end()});
          waiting.clear();
          break;
        }
        case 5: unlock_to(unlocked::idle, state::idle); break;
        case 6: unlock_to(unlocked::closed, state::closed); break;
        default: unlock_to(unlocked::dormant, state::dormant);
      }
      REQUIRE(m.is_dormant() == (now == state::dormant));
    }
  });
}

TEST_CASE("messages of many threads come to one holder at a time, once, and those of a thread in their order") {
  constexpr std::size_t senders = 4;
  constexpr std::size_t each = 5'000;
  mailbox m;
  make_locked(m);
  REQUIRE(m.unlock_idle());
  std::vector<std::vector<message>> messages(senders);
  for (auto& of_one : messages) of_one = std::vector<message>(each);
  // What the holder alone touches: ThreadSanitizer sees two holders at once, or one that does not see the other's work.
  std::array<std::size_t, senders> next{};
  std::size_t handled = 0;
  std::size_t out_of_order = 0;
  const auto hold = [&](troupe::work_list& received, bool closes) {
    do {
      m.receive(received);
      while (auto* const w = received.pop_front()) {
        const auto& got = as_message(*w);
        out_of_order += got.number == next[got.sender] ? 0 : 1;
        ++next[got.sender];
        ++handled;
      }
    } while (!(closes ? m.unlock(unlocked::closed) : m.unlock_idle()));
  };
  const auto send = [&](std::size_t sender) {
    for (std::size_t i = 0; i != each; ++i) {
      auto& w = messages[sender][i];
      w.sender = sender;
      w.number = i;
      troupe::work_list received;
      if (m.enqueue(w) == outcome::locked) {
        received.push_back(w);
        hold(received, i % 3 == 0);
      } else if (m.try_lock()) {
        hold(received, i % 3 == 1);
      }
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t sender = 0; sender != senders; ++sender) threads.emplace_back(send, sender);
  for (auto& t : threads) t.join();
  CHECK(handled == senders * each);
  CHECK(out_of_order == 0);
}
