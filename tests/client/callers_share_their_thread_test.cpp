// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <memory>

#include <troupe/troupe.hpp>

#include "loopback/client_of.hpp"

namespace {

using troupe::durability;

struct tally {
  std::int64_t count = 0;
  std::int64_t add(std::int64_t by) { return count += by; }
  std::int64_t value() const { return count; }
  using actor = troupe::actor<tally, &tally::add, &tally::value>;
};

constexpr int calls = 10'000;

troupe::task<> read(const troupe::handle<tally>& h, int times) {
  for (int i = 0; i < times; ++i) co_await h.call<&tally::value>();
}

// How many pieces of work the executor gets for so many reads of an actor that has been stored.
std::size_t work_of_reads(durability kind) {
  troupe::registry registry;
  troupe::use_options how;
  how.options = troupe::options{.sleep_after = troupe::never, .durability = kind};
  registry.use<tally>("tally", how);
  const auto clock = std::make_shared<troupe::manual_clock>();
  const auto executor =
      std::make_shared<troupe::manual_executor>(clock, troupe::manual_executor::options{.io_thread = false});
  troupe::runtime runtime{registry, {.executor = executor}};
  const auto h = client_of(runtime).get_or_create<tally>("a");
  runtime.run(h.call<&tally::add>(1));
  while (runtime.poll() != 0) {
  }
  runtime.spawn(read(h, calls));
  std::size_t done = 0;
  for (auto n = runtime.poll(); n != 0; n = runtime.poll()) done += n;
  return done;
}

}  // namespace

TEST_CASE("a caller gives others the thread now and then, and not at every call") {
  for (const auto kind : {durability::ephemeral, durability::relaxed, durability::committed}) {
    const auto work = work_of_reads(kind);
    CHECK(work > calls / 200);
    CHECK(work < calls / 50);
  }
}
