// SPDX-License-Identifier: Apache-2.0
// Durability by choice. The default makes a reply wait until its effects are on disk; `relaxed` answers at once and
// saves within an interval, `ephemeral` never saves. Use `relaxed` for what may lose its last second in a crash
// (positions, presence, view counts), `ephemeral` for what is rebuilt anyway, the default for everything else.

#include <troupe/troupe.hpp>

#include <memory>

#include "support.hpp"

using namespace std::chrono_literals;

// [cursor]
struct cursor {
  int x = 0, y = 0;

  void move(int to_x, int to_y) { x = to_x, y = to_y; }
  int place() const { return 100 * x + y; }
  troupe::task<> pin(troupe::context<cursor>& c) { co_await c.save(); }  // durable when it returns, if it matters

  static constexpr troupe::options options{.durability = troupe::durability::relaxed, .save_interval = 500ms};
  using actor = troupe::actor<cursor, &cursor::move, &cursor::place, &cursor::pin>;
};
// [/cursor]

int main() {
  const temporary_folder folder;
  troupe::registry registry;
  registry.use<cursor>("cursor");
  const auto clock = std::make_shared<troupe::manual_clock>();
  const troupe::sqlite file{folder / "cursors.db"};
  {
    const auto executor =
        std::make_shared<troupe::manual_executor>(clock, troupe::manual_executor::options{.io_thread = false});
    troupe::runtime runtime{registry, {.store = file, .executor = executor}};
    const auto mine = runtime.client().get_or_create<cursor>("alice");
    mine.call<&cursor::move>(1, 1).get();
    runtime.poll();
    const auto after_creation = runtime.health().commits;

    mine.call<&cursor::move>(2, 2).get();
    mine.call<&cursor::move>(3, 3).get();
    runtime.poll();
    check(runtime.health().commits == after_creation);  // answered, and not on disk yet
    check(runtime.run(mine.status()).unsaved);

    clock->advance(501ms);
    runtime.poll();
    check(runtime.health().commits == after_creation + 1);  // both moves in one commit

    mine.call<&cursor::move>(4, 4).get();
    mine.call<&cursor::pin>().get();
    check(runtime.health().commits == after_creation + 2);
  }
  troupe::runtime runtime{registry, {.store = file}};
  check(runtime.client().get<cursor>("alice").call<&cursor::place>().get() == 404);
  return 0;
}
