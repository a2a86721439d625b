// SPDX-License-Identifier: Apache-2.0
// The first actor: a struct whose members are durable and whose methods can be called from anywhere. Use an actor for a
// thing with a name, a state and rules; for a value that one function computes and forgets, a local variable will do.
//
//     counter [FILE]     each run with the same FILE prints one more

#include <troupe/troupe.hpp>

#include "support.hpp"

// [actor]
struct counter {
  std::int64_t count = 0;  // data members: the durable state

  std::int64_t increment(std::int64_t by) { return count += by; }  // methods: the actions
  std::int64_t value() const { return count; }                     // const: read-only

  using actor = troupe::actor<counter, &counter::increment, &counter::value>;
};
// [/actor]

// [visit]
std::int64_t visit(const std::string& file) {
  troupe::registry registry;
  registry.use<counter>("counter");

  troupe::runtime runtime{registry, {.store = troupe::sqlite{file}}};
  troupe::client client = runtime.client();

  auto page = client.get_or_create<counter>("home-page");  // lazy: nothing happens yet
  return page.call<&counter::increment>(1).get();          // on disk before it returns
}
// [/visit]

// [plain]
// An actor is a struct: its rules can be tested without any runtime.
bool counts_as_a_plain_object() {
  counter c;
  c.increment(2);
  return c.increment(3) == 5 && c.value() == 5;
}
// [/plain]

int main(int argc, char** argv) {
  if (argc > 1) {
    fmt::print("visit {}\n", visit(argv[1]));
    return 0;
  }
  check(counts_as_a_plain_object());
  const temporary_folder folder;
  check(visit(folder / "visits.db") == 1);
  check(visit(folder / "visits.db") == 2);  // a second runtime, as after a restart
  return 0;
}
