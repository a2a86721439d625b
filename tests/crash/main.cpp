// SPDX-License-Identifier: Apache-2.0
// Kills a program with SIGKILL at random instants, over and over on one database, and holds what it finds against what
// had been acknowledged.
//
//   crash_test [--rounds N] [--seed S] [--plant FAULT] [--directory PATH] [--verbose]
//
// With --plant (see ../lives/planted.hpp) the store is broken on purpose: it is a success to find that, and a failure
// not to.

#include <exception>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include <troupe/store/memory_store.hpp>

#include "../lives/killings.hpp"
#include "../lives/planted.hpp"
#include "journal.hpp"
#include "life.hpp"
#include "model.hpp"
#include "observation.hpp"

namespace crash {
namespace {

using lives::faults;
using std::chrono::milliseconds;

class test final : public lives::killings {
 public:
  explicit test(const lives::settings& s) : killings{s, "crash", {milliseconds{5}, milliseconds{400}}} {
    static_cast<void>(lives::plant(s.fault, troupe::memory{}));  // throws if there is no such fault
  }

 private:
  faults run_round(const round& r) override {
    const char* const synchronous = r.random() % 3 == 0 ? "full" : "normal";
    faults found = let_live<record>(
        r.end, {std::to_string(r.random()), synchronous, settings_of_test().fault},
        [this](const record& said) { model_.hear(said); });
    if (found.empty()) found = inspect();
    return found;
  }

  faults inspect() {
    const auto copy = copy_database();
    if (!copy) return {};
    const observation seen = observe(*copy, model_.ended());
    faults found = model_.faults_of(seen);
    if (found.empty()) model_.adopt(seen);
    return found;
  }

  [[nodiscard]] std::string done() const override {
    return fmt::format("{} acknowledged operations", model_.acknowledged());
  }
  [[nodiscard]] std::string_view holds() const override { return "nothing lost, nothing torn"; }

  model model_;
};

int live_as(const std::vector<std::string>& words) {
  life how;
  how.database = words.at(0);
  how.seed = lives::number_from(words.at(1));
  how.synchronous = words.at(2) == "full" ? troupe::synchronous::full : troupe::synchronous::normal;
  how.fault = words.at(3);
  how.journal = STDOUT_FILENO;
  how.leash = STDIN_FILENO;
  return live(how);
}

}  // namespace
}  // namespace crash

int main(int count, char** words) {
  try {
    return lives::run_main({words + 1, words + count}, crash::live_as,
                           [](const lives::settings& s) { return crash::test{s}.run(); });
  } catch (const std::exception& e) {
    fmt::print(stderr, "crash_test: {}\n", e.what());
    return 2;
  }
}
