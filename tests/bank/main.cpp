// A bank of a thousand accounts, killed with SIGKILL at random instants, over and over. Whatever it was doing, once it
// has been left alone for a moment every order has been executed or refused exactly once, and all the money is there.
//
//   bank_test [--rounds N] [--seed S] [--plant FAULT] [--directory PATH] [--verbose]
//
// N lives are killed, and a few in between end by themselves.
// With --plant (see planted.hpp) the store is broken on purpose: it is a success to find that, and a failure not to.
// A round derives everything but the timing from the seed and its number.

#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../crash/process.hpp"
#include "../crash/settings.hpp"
#include "audit.hpp"
#include "books.hpp"
#include "journal.hpp"
#include "life.hpp"

namespace bank_test {
namespace {

namespace fs = std::filesystem;
using clock = std::chrono::steady_clock;
using crash::patience;
using crash::process;
using std::chrono::milliseconds;

constexpr std::size_t faults_shown = 12;

/// How one round goes.
struct plan {
  plan(std::uint64_t seed, std::uint64_t round) {
    std::mt19937_64 random{seed * 1'000'003 + round};
    const double place = std::uniform_real_distribution{}(random);
    kill_after = milliseconds{static_cast<int>(2 * std::pow(60.0, place))};  // 2 to 120 ms, mostly short
    from_the_start = random() % 8 == 0;
    quiet = random() % 8 == 0;
    ends_by_itself = random() % 16 == 0;
    is_audited = round % 2 == 0;
    traffic_seed = random();
  }
  milliseconds kill_after{};
  bool from_the_start = false;  ///< the time counts from the start of the process: it may die while it opens the store
  bool quiet = false;           ///< no new orders: it dies, if so, while it goes on with old ones
  bool ends_by_itself = false;
  bool is_audited = false;
  std::uint64_t traffic_seed = 0;
};

class test {
 public:
  explicit test(const crash::settings& s) : settings_{s} {
    directory_ = (fs::path{s.directory} / "troupe-bank-XXXXXX").string();
    if (::mkdtemp(directory_.data()) == nullptr) throw std::runtime_error("cannot make a directory in " + s.directory);
    program_ = fs::read_symlink("/proc/self/exe").string();
  }

  int run() {
    const auto began = clock::now();
    found_bank(database());
    std::uint64_t kills = 0;
    for (std::uint64_t round = 1; kills < settings_.rounds; ++round) {
      const plan p{settings_.seed, round};
      if (!p.ends_by_itself) ++kills;
      const auto faults = run_round(round, p, kills == settings_.rounds);
      if (!faults.empty()) return report(round, faults);
    }
    fs::remove_all(directory_);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(clock::now() - began).count();
    fmt::print("{} kills, {} orders tried, {} accepted, {} paid, {} s, seed {}: ", settings_.rounds,
               books_.next_order() - 1, books_.accepted(), books_.paid(), seconds, settings_.seed);
    if (settings_.fault.empty()) {
      fmt::print("all of the money is there\n");
      return 0;
    }
    fmt::print("the planted fault {} was NOT found\n", settings_.fault);
    return 1;
  }

 private:
  using faults = std::vector<std::string>;

  [[nodiscard]] std::string database() const { return directory_ + "/bank.db"; }

  faults run_round(std::uint64_t round, const plan& p, bool last) {
    const auto before = books_.accepted();
    faults found = run_life(p);
    if (found.empty() && (p.is_audited || last)) found = books_.faults_of(audit_copy());
    if (settings_.verbose) {
      fmt::print("round {}: {} ms{}{}, {} accepted\n", round, p.kill_after.count(), p.quiet ? ", quiet" : "",
                 p.ends_by_itself ? ", ended by itself" : "", books_.accepted() - before);
      std::fflush(stdout);
    }
    return found;
  }

  /// One life and its end; hears all that it had to say.
  faults run_life(const plan& p) {
    faults found;
    process child{program_,
                  {"--live", database(), std::to_string(p.traffic_seed), std::to_string(books_.next_order()),
                   p.quiet ? "quiet" : "busy", settings_.fault}};
    bool finished = false;
    auto ends_at = clock::now() + (p.from_the_start ? p.kill_after : patience);
    bool ready = p.from_the_start;
    bool ending = false;
    record r;
    for (auto news = process::news::said; news != process::news::silent;) {
      news = child.hear(r, ends_at);
      if (news == process::news::late) {
        if (!ready) return {"it was not ready in a minute"};
        if (ending) return {"it did not end in a minute"};
        ending = true;
        p.ends_by_itself ? child.let_go() : child.kill();
        ends_at = clock::now() + patience;
      } else if (news == process::news::said) {
        if (r.kind == record::what::ready && !ready) {
          ready = true;
          ends_at = clock::now() + p.kill_after;
        }
        if (r.kind == record::what::complaint) found.push_back("it says: " + std::string{r.text.data()});
        if (r.kind == record::what::finished) finished = true;
        books_.hear(r);
      }
    }
    const int status = child.wait();
    const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    const bool as_told = p.ends_by_itself ? finished && status == 0 : killed && ending;
    if (!as_told && found.empty()) found.push_back(fmt::format("it ended by itself (wait status {:#x})", status));
    return found;
  }

  /// Of a copy, so that what one life left is found by the next as it was, and a failure can be studied.
  audit audit_copy() {
    const std::string copy = directory_ + "/copy.db";
    for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(copy + suffix);
    for (const char* suffix : {"", "-wal"}) {
      if (fs::exists(database() + suffix)) fs::copy_file(database() + suffix, copy + suffix);
    }
    return inspect(copy);
  }

  int report(std::uint64_t round, const faults& found) {
    fmt::print("round {}, {} faults:\n", round, found.size());
    for (std::size_t i = 0; i < found.size() && i < faults_shown; ++i) fmt::print("  {}\n", found[i]);
    if (!settings_.fault.empty()) {
      fmt::print("so the planted fault {} was found\n", settings_.fault);
      fs::remove_all(directory_);
      return 0;
    }
    fmt::print(
        "FAILED. The database as it was left is {}\n"
        "Again, as far as timing allows: {} --seed {} --rounds {}\n",
        database(), program_, settings_.seed, round);
    return 1;
  }

  crash::settings settings_;
  std::string directory_;
  std::string program_;
  books books_;
};

int run(const std::vector<std::string>& words) {
  if (!words.empty() && words[0] == "--live") {
    life how;
    how.database = words.at(1);
    how.seed = crash::number_from(words.at(2));
    how.first_order = crash::number_from(words.at(3));
    how.quiet = words.at(4) == "quiet";
    how.fault = words.at(5);
    how.journal = STDOUT_FILENO;
    how.leash = STDIN_FILENO;
    return live(how);
  }
  return test{crash::settings_from(words)}.run();
}

}  // namespace
}  // namespace bank_test

int main(int count, char** words) {
  try {
    return bank_test::run({words + 1, words + count});
  } catch (const std::exception& e) {
    fmt::print(stderr, "bank_test: {}\n", e.what());
    return 2;
  }
}
