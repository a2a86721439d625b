// SPDX-License-Identifier: Apache-2.0
// A game with a fixed step: the world goes on by fiftieths of a second, however long a frame takes. The runtime's clock
// is the game's, so delays, time-outs and idle times of actors are game time: they stop when the game is paused, and the
// same input gives the same game. Frames draw between steps. For a loop that goes by real time see embedding.cpp.

#include <troupe/troupe.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "support.hpp"

using namespace std::chrono_literals;

// [actors]
struct monster {
  int health = 100;

  int hit(int by) { return health -= by; }
  int left() const { return health; }

  // Fifty turns a second need not be on disk each.
  static constexpr troupe::options options{.durability = troupe::durability::relaxed};
  using actor = troupe::actor<monster, &monster::hit, &monster::left>;
};

struct fire {
  std::string victim;

  void light(troupe::context<fire>&, std::string whom) { victim = whom; }
  troupe::task<> run(troupe::context<fire>& c) {
    for (;;) {
      co_await c.delay(490ms);  // of game time: until the 25th step, half a second later
      if (victim.empty()) continue;
      auto burning = c.client().get_or_create<monster>(victim);
      co_await burning.call<&monster::hit>(1);
    }
  }

  static constexpr troupe::options options{.durability = troupe::durability::relaxed};
  using actor = troupe::actor<fire, &fire::light>;
};
// [/actors]

// [loop]
class game_clock {
 public:
  static constexpr std::chrono::nanoseconds step = 20ms;
  static constexpr int steps_max = 8;  // of one frame: a slow machine slows the game down, and does not stop it

  explicit game_clock(troupe::manual_clock& clock) : clock_{clock} {}

  /// The steps that a frame of this length has to do, and maybe part of one that is left for the next frame.
  void frame(troupe::runtime& runtime, std::chrono::nanoseconds took) {
    if (paused) return;
    owed_ = std::min<std::chrono::nanoseconds>(owed_ + took, steps_max * step);
    for (; owed_ >= step; owed_ -= step) {
      clock_.advance(step);
      while (runtime.poll() > 0) {  // all that is due in this step happens in it
      }
      ++steps;
    }
  }
  /// How far the picture is between this step and the next, from 0 to 1.
  [[nodiscard]] double between() const { return std::chrono::duration<double>(owed_) / step; }

  bool paused = false;
  int steps = 0;

 private:
  troupe::manual_clock& clock_;
  std::chrono::nanoseconds owed_{0};
};
// [/loop]

/// Plays for the frames that it is given, over and over, until so many steps are done. Returns the monster's health.
template <std::size_t Count>
int play(const std::string& file, const std::array<std::chrono::nanoseconds, Count>& frames, int steps) {
  troupe::registry registry;
  registry.use<monster>("monster").use<fire>("fire");
  // [program]
  const auto clock = std::make_shared<troupe::manual_clock>();
  const auto executor = std::make_shared<troupe::manual_executor>(clock);
  troupe::runtime runtime{registry, {.store = troupe::sqlite{file}, .executor = executor}};
  game_clock game{*clock};
  // [/program]

  // What plays a part is awake before the first step: reading from the disk takes real time, not the game's.
  const auto troll = runtime.client().get_or_create<monster>("troll");
  check(troll.call<&monster::left>().get() == 100);
  runtime.client().get_or_create<fire>("torch").call<&fire::light>("troll").get();
  for (std::size_t n = 0; game.steps < steps; ++n) {
    game.frame(runtime, frames[n % Count]);  // a game measures how long the last frame took
    check(game.between() >= 0 && game.between() < 1);
    // ... and draws here
  }
  return troll.call<&monster::left>().get();
}

int main() {
  const temporary_folder folder;
  // Ten seconds of game time, and twenty hits half a second apart: fast frames, slow ones, and a mixture.
  constexpr int ten_seconds = 500;
  check(play(folder / "fast.db", std::array<std::chrono::nanoseconds, 1>{7ms}, ten_seconds) == 80);
  check(play(folder / "slow.db", std::array<std::chrono::nanoseconds, 1>{50ms}, ten_seconds) == 80);
  check(play(folder / "mixed.db", std::array<std::chrono::nanoseconds, 4>{3ms, 90ms, 16ms, 40ms}, ten_seconds) == 80);

  // Paused, nothing burns.
  troupe::registry registry;
  registry.use<monster>("monster").use<fire>("fire");
  const auto clock = std::make_shared<troupe::manual_clock>();
  const auto executor = std::make_shared<troupe::manual_executor>(clock);
  troupe::runtime runtime{registry, {.executor = executor}};
  game_clock game{*clock};
  const auto troll = runtime.client().get_or_create<monster>("troll");
  runtime.client().get_or_create<fire>("torch").call<&fire::light>("troll").get();
  game.paused = true;
  for (int n = 0; n < 1000; ++n) game.frame(runtime, 50ms);
  check(game.steps == 0 && troll.call<&monster::left>().get() == 100);
  game.paused = false;
  for (int n = 0; n < 20; ++n) game.frame(runtime, 30ms);
  check(troll.call<&monster::left>().get() == 99);
  return 0;
}
