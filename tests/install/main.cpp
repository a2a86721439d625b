// SPDX-License-Identifier: Apache-2.0
// The program of every consumer project: small, and it runs.
#include <cstdint>

#include <troupe/troupe.hpp>

struct counter {
  std::int64_t count = 0;

  std::int64_t increment(std::int64_t by) { return count += by; }
  std::int64_t value() const { return count; }

  using actor = troupe::actor<counter, &counter::increment, &counter::value>;
};

int main() {
  troupe::registry registry;
  registry.use<counter>("counter");

  troupe::runtime runtime{registry, {.store = troupe::memory{}}};
  troupe::client client = runtime.client();
  auto visits = client.get_or_create<counter>("home-page");
  visits.call<&counter::increment>(20).get();
  visits.call<&counter::increment>(22).get();
  const std::int64_t count = visits.call<&counter::value>().get();
  return count == 42 ? 0 : 1;
}
