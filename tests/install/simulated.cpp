// SPDX-License-Identifier: Apache-2.0
// A program that links the test kit.
#include <cstdint>

#include <troupe/testing.hpp>
#include <troupe/troupe.hpp>

struct counter {
  std::int64_t count = 0;
  std::int64_t increment(std::int64_t by) { return count += by; }
  using actor = troupe::actor<counter, &counter::increment>;
};

int main() {
  troupe::registry registry;
  registry.use<counter>("counter");
  troupe::testing::simulation sim{registry, {.seed = 42}};
  sim.run(sim.client().get_or_create<counter>("a").call<&counter::increment>(41));
  sim.crash();
  return sim.run(sim.client().get_or_create<counter>("a").call<&counter::increment>(1)) == 42 ? 0 : 1;
}
