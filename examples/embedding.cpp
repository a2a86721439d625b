// SPDX-License-Identifier: Apache-2.0
// Embedding: the runtime has no threads that run actors; the host pumps it from its own loop, so actors run on the
// host's thread, between two frames. Use it in games, GUIs and single-threaded servers, where actors may then touch what
// belongs to that thread. A program without such a loop is better off with the default, which uses all cores.

#include <troupe/troupe.hpp>

#include <memory>
#include <thread>

#include "support.hpp"

using namespace std::chrono_literals;

std::thread::id game_thread;

// [player]
struct player {
  int health = 100;
  int gold = 0;

  int hit(int damage) {
    check(std::this_thread::get_id() == game_thread);  // always between two frames
    health = std::max(0, health - damage);
    return health;
  }
  void loot(int found) { gold += found; }
  int purse() const { return gold; }

  using actor = troupe::actor<player, &player::hit, &player::loot, &player::purse>;
};
// [/player]

// [fight]
struct scene {
  int health_shown = 100;
  bool over = false;
};

troupe::task<> fight(troupe::client client, scene& shown) {
  auto hero = client.get_or_create<player>("hero");
  while (shown.health_shown > 0) {
    const int health = co_await hero.call<&player::hit>(7);
    shown.health_shown = health;
  }
  shown.over = true;
}
// [/fight]

int main() {
  game_thread = std::this_thread::get_id();
  const temporary_folder folder;
  troupe::registry registry;
  registry.use<player>("player");
  std::string log;

  // [loop]
  const auto executor = std::make_shared<troupe::manual_executor>();
  troupe::runtime_options options;
  options.store = troupe::sqlite{folder / "save.db"};  // written on a thread of its own, so that no frame waits for it
  options.executor = executor;
  options.logger = [&](troupe::log_level, std::string_view line) { log += line; };
  troupe::runtime runtime{registry, options};

  scene shown;
  runtime.spawn(fight(runtime.client(), shown));
  int frames = 0;
  while (!shown.over) {
    runtime.poll_for(2ms);  // actors have two milliseconds of each frame
    ++frames;               // ... and here the host draws
  }
  // [/loop]
  check(shown.health_shown == 0 && frames > 0);

  // [sync]
  // Before the loop begins, and after it: `run` and `get()` pump while they wait.
  auto hero = runtime.client().get<player>("hero");
  hero.call<&player::loot>(12).get();
  const int gold = runtime.run(hero.call<&player::purse>());
  // [/sync]
  check(gold == 12);
  runtime.shutdown();
  check(log.empty());
  return 0;
}
