// SPDX-License-Identifier: Apache-2.0
// The program on the first page: each run prints one more. Its actors live in visits.db, in the directory it runs in.

// [program]
#include <cstdint>
#include <iostream>

#include <troupe/troupe.hpp>

struct counter {
  std::int64_t count = 0;  // data members: the durable state

  std::int64_t increment(std::int64_t by) { return count += by; }  // methods: the actions
  std::int64_t value() const { return count; }                     // const: read-only

  using actor = troupe::actor<counter, &counter::increment, &counter::value>;
};

int main() {
  troupe::registry registry;
  registry.use<counter>("counter");
  troupe::runtime runtime{registry, {.store = troupe::sqlite{"visits.db"}}};

  auto page = runtime.client().get_or_create<counter>("home-page");  // lazy: nothing happens yet
  const auto visits = page.call<&counter::increment>(1).get();       // on disk before it returns
  std::cout << "visit " << visits << '\n';
}
// [/program]
