// SPDX-License-Identifier: Apache-2.0
// The chat room in a simulation: what was acknowledged is in the history, in order, and everybody in the room sees
// each message once. chat/check.py has the whole program with people at its terminals.

#include "room.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <troupe/testing.hpp>

namespace {

using namespace std::chrono_literals;
using chat::chat_room;
using chat::message;
using troupe::testing::simulation;

const troupe::registry program = troupe::registry{}.use<chat_room>("chatRoom");

auto lobby(simulation& sim) { return sim.client().get_or_create<chat_room>("lobby"); }

auto enter(simulation& sim, std::string name) { return sim.run(lobby(sim).connect(chat::login{std::move(name)})); }

std::vector<std::string> texts_of(const std::vector<message>& all) {
  std::vector<std::string> texts;
  for (const message& m : all) texts.push_back(m.text);
  return texts;
}

}  // namespace

TEST_CASE("a visitor hears what others say, and after a crash nobody is here but all is remembered") {
  simulation sim{program};
  const auto heard = sim.record(lobby(sim), chat_room::new_message, chat::login{"ada"});
  const auto bert = enter(sim, "bert");
  sim.run(bert.call<&chat_room::send_message>("hello"));
  sim.run(heard.connection().call<&chat_room::send_message>("good morning"));
  sim.settle();
  const std::vector<std::string> said{"hello", "good morning"};
  CHECK(texts_of(sim.stored(lobby(sim))->messages) == said);
  REQUIRE(heard.events().size() == 2);
  CHECK(heard.events()[1].sender == "ada");

  sim.crash();
  CHECK(sim.run(lobby(sim).call<&chat_room::who>()).empty());
  CHECK(texts_of(sim.run(lobby(sim).call<&chat_room::history>())) == said);
}

TEST_CASE("a message that nobody has acknowledged may be there, and nobody has seen one that is not") {
  const bool is_stored = GENERATE(false, true);
  simulation sim{program};
  const auto heard = sim.record(lobby(sim), chat_room::new_message, chat::login{"ada"});
  is_stored ? sim.crash_after_next_commit() : sim.crash_before_next_commit();
  CHECK_THROWS_AS(sim.run(heard.connection().call<&chat_room::send_message>("hello")), troupe::error);
  CHECK(sim.run(lobby(sim).call<&chat_room::history>()).size() == (is_stored ? 1 : 0));
  CHECK(heard.events().empty());
}

TEST_CASE("visitors stay while the room sleeps") {
  simulation sim{program};
  const auto ada = enter(sim, "ada");
  sim.put_to_sleep(lobby(sim));
  CHECK(sim.run(lobby(sim).call<&chat_room::who>()) == std::vector<std::string>{"ada"});
}

// --- a day in the room ----------------------------------------------------------------------------------------------

namespace {

// [people]
/// What the people in the room know, all of them together.
struct talk {
  static constexpr int lines_max = 15;  // of each: the room forgets what is older than a hundred messages

  bool open = true;
  std::map<std::string, int> lines;                 ///< how many each has tried to say
  std::set<std::string> acknowledged;
  std::map<std::uint64_t, std::string> seen;        ///< by anybody, by number
  std::map<std::string, std::uint64_t> last_seen;   ///< by each, in the present visit
  std::vector<std::string> faults;

  void see(const std::string& who, const message& m) {
    auto& last = last_seen[who];
    if (m.number != last + 1) {
      faults.push_back(who + " sees " + std::to_string(m.number) + " after " + std::to_string(last));
    }
    last = m.number;
    const auto [at, is_new] = seen.try_emplace(m.number, m.text);
    if (at->second != m.text) faults.push_back(who + " sees '" + m.text + "' where '" + at->second + "' was");
  }
};

/// First listens, then reads the history, as the program does.
troupe::task<> follow(troupe::connection<chat_room>& room, std::string who, talk& all) {
  auto news = room.stream(chat_room::new_message);
  const auto history = co_await room.call<&chat_room::history>();
  all.last_seen[who] = 0;
  for (const message& m : history) all.see(who, m);
  const std::uint64_t shown = all.last_seen[who];
  for (;;) {
    const auto m = co_await news.next();
    if (!m) break;
    if (m->number > shown) all.see(who, *m);
  }
}

troupe::task<> speak(simulation& sim, troupe::connection<chat_room>& room, std::string who, talk& all) {
  try {
    for (auto more = sim.random().between(1, 10); more > 0 && all.open && all.lines[who] < talk::lines_max; --more) {
      co_await troupe::delay(sim.random().up_to(1s));
      const std::string text = who + " " + std::to_string(++all.lines[who]);
      co_await room.call<&chat_room::send_message>(text);
      all.acknowledged.insert(text);
    }
  } catch (const troupe::error&) {
  }  // whether the last line was said is open
  room.close();
}

/// Comes again and again, until all is said. Eva only listens, and stays.
troupe::task<> be_there(simulation& sim, std::string who, talk& all) {
  const chat::login name{who};
  while (who == "eva" || (all.open && all.lines[who] < talk::lines_max)) {
    try {
      auto room = co_await lobby(sim).connect(name);
      if (who == "eva") {
        co_await follow(room, who, all);
      } else {
        co_await troupe::when_all(follow(room, who, all), speak(sim, room, who, all));
      }
    } catch (const troupe::error& e) {
      if (e.is(troupe::errc::runtime_stopped)) co_return;
    }
    co_await troupe::delay(sim.random().up_to(1s));
  }
}
// [/people]

void check_history(const chat_room& room, const talk& all) {
  std::set<std::string> texts;
  std::map<std::string, int> last_line;  // of each sender
  REQUIRE(room.messages.size() == room.said);
  for (std::uint64_t i = 0; i < room.said; ++i) {
    const message& m = room.messages[i];
    REQUIRE(m.number == i + 1);
    REQUIRE(texts.insert(m.text).second);
    const int line = std::stoi(m.text.substr(m.text.find(' ')));
    REQUIRE(line > std::exchange(last_line[m.sender], line));
  }
  REQUIRE(std::ranges::includes(texts, all.acknowledged));
  for (const auto& [number, text] : all.seen) REQUIRE(room.messages.at(number - 1).text == text);
}

}  // namespace

// [day]
TEST_CASE("on a bad day, what was acknowledged is in the history, and everybody sees each message once") {
  constexpr troupe::testing::faults bad_day{
      .crash = {.probability = 0.001},
      .crash_before_commit = {.probability = 0.005},
      .crash_after_commit = {.probability = 0.005},
      .commit_fails = {.probability = 0.01},
      .commit_fails_for = 300ms,
      .slow_commit = {.probability = 0.02},
      .load_fails = {.probability = 0.02},
      .delay = {.probability = 0.02},
      .stall = {.probability = 0.001},
  };
  troupe::testing::for_each_seed(300, [&](std::uint64_t seed) {
    talk all;
    const auto come = [&all](simulation& sim) {
      for (const char* who : {"ada", "bert", "cleo", "eva"}) sim.spawn(be_there(sim, who, all));
    };
    simulation sim{program, {.seed = seed, .faults = bad_day, .on_start = come}};
    sim.advance(30s);
    all.open = false;
    sim.heal();
    sim.advance(2min);

    REQUIRE(all.faults == std::vector<std::string>{});
    const auto room = sim.stored(lobby(sim)).value();
    check_history(room, all);
    REQUIRE(all.last_seen["eva"] == room.said);
    sim.finish();
  });
}
// [/day]
