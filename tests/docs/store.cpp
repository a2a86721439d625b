// SPDX-License-Identifier: Apache-2.0
// The snippets of docs/store.md and docs/durability.md.

#include <troupe/testing/check_store.hpp>
#include <troupe/troupe.hpp>

#include "../../examples/support.hpp"

struct note {
  std::string text;
  void write(std::string words) { text = std::move(words); }
  std::string read() const { return text; }
  using actor = troupe::actor<note, &note::write, &note::read>;
};

void backups(const temporary_folder& folder) {
  troupe::registry registry;
  registry.use<note>("note");
  const std::string file = folder / "app.db";
  const std::string copy = folder / "copy.db";
  {
    // [sqlite]
    troupe::sqlite_options fast{.synchronous = troupe::synchronous::normal};
    troupe::runtime runtime{registry, {.store = troupe::sqlite{file, fast}}};
    // [/sqlite]
    runtime.client().get_or_create<note>("n").call<&note::write>("one").get();
    // [backup]
    runtime.backup(copy);  // while it runs; the copy is a store of its own
    // [/backup]
    runtime.client().get_or_create<note>("n").call<&note::write>("two").get();

    std::string code;
    try {
      troupe::runtime second{registry, {.store = troupe::sqlite{file}}};
    } catch (const troupe::error& e) {
      code = e.code();
    }
    check(code == "in_use");

    // [health]
    const troupe::runtime_health health = runtime.health();
    const bool fine = health.store_ok && health.accepts_changes;
    // [/health]
    check(fine && health.awake == 1);
  }
  troupe::runtime restored{registry, {.store = troupe::sqlite{copy}}};
  check(restored.client().get<note>("n").call<&note::read>().get() == "one");
}

void conformance() {
  const troupe::store_factory make_my_store = troupe::memory{};
  // [conformance]
  const std::vector<std::string> broken = troupe::testing::check_store(make_my_store);
  for (const auto& promise : broken) fmt::print("{}\n", promise);
  // [/conformance]
  check(broken.empty());
}

int main() {
  const temporary_folder folder;
  backups(folder);
  conformance();
  return 0;
}
