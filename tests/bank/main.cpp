// SPDX-License-Identifier: Apache-2.0
// A bank of a thousand accounts, killed with SIGKILL at random instants, over and over. Whatever it was doing, once it
// has been left alone for a moment every order has been executed or refused exactly once, and all the money is there.
//
//   bank_test [--rounds N] [--seed S] [--plant FAULT] [--directory PATH] [--verbose]
//
// With --plant (see planted.hpp) the store is broken on purpose: it is a success to find that, and a failure not to.

#include <exception>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include <troupe/store/memory_store.hpp>

#include "../lives/killings.hpp"
#include "audit.hpp"
#include "books.hpp"
#include "journal.hpp"
#include "life.hpp"
#include "planted.hpp"

namespace bank_test {
namespace {

using lives::faults;
using std::chrono::milliseconds;

class test final : public lives::killings {
 public:
  explicit test(const lives::settings& s) : killings{s, "bank", {milliseconds{2}, milliseconds{120}}} {
    static_cast<void>(plant(s.fault, troupe::memory{}));  // throws if there is no such fault
    found_bank(database());
  }

 private:
  // A quiet life gets no new orders: it dies, if so, while it goes on with old ones.
  faults run_round(const round& r) override {
    const bool quiet = r.random() % 8 == 0;
    faults found = let_live<record>(r.end,
                                    {std::to_string(r.random()), std::to_string(books_.next_order()),
                                     quiet ? "quiet" : "busy", settings_of_test().fault},
                                    [this](const record& said) { books_.hear(said); });
    const bool is_audited = r.number % 2 == 0 || r.is_last;
    if (found.empty() && is_audited) found = books_.faults_of(inspect(copy_database().value()));
    return found;
  }

  [[nodiscard]] std::string done() const override {
    return fmt::format("{} orders tried, {} accepted, {} paid", books_.next_order() - 1, books_.accepted(),
                       books_.paid());
  }
  [[nodiscard]] std::string_view holds() const override { return "all of the money is there"; }

  books books_;
};

int live_as(const std::vector<std::string>& words) {
  life how;
  how.database = words.at(0);
  how.seed = lives::number_from(words.at(1));
  how.first_order = lives::number_from(words.at(2));
  how.quiet = words.at(3) == "quiet";
  how.fault = words.at(4);
  how.journal = STDOUT_FILENO;
  how.leash = STDIN_FILENO;
  return live(how);
}

}  // namespace
}  // namespace bank_test

int main(int count, char** words) {
  try {
    return lives::run_main({words + 1, words + count}, bank_test::live_as,
                           [](const lives::settings& s) { return bank_test::test{s}.run(); });
  } catch (const std::exception& e) {
    fmt::print(stderr, "bank_test: {}\n", e.what());
    return 2;
  }
}
