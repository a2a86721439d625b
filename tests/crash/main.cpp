// Kills a program with SIGKILL at random instants, over and over on one database, and holds what it finds against what
// had been acknowledged.
//
//   crash_test [--rounds N] [--seed S] [--plant FAULT] [--directory PATH] [--verbose]
//
// With --plant (see planted.hpp) the store is broken on purpose: it is a success to find that, and a failure not to.
// A round derives everything but the timing from the seed and its number.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal.hpp"
#include "life.hpp"
#include "model.hpp"
#include "observation.hpp"
#include "process.hpp"
#include "settings.hpp"

namespace crash {
namespace {

namespace fs = std::filesystem;
using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// How one round goes.
struct plan {
  plan(std::uint64_t seed, std::uint64_t round) {
    std::mt19937_64 random{seed * 1'000'003 + round};
    const double place = std::uniform_real_distribution{}(random);
    kill_after = milliseconds{static_cast<int>(5 * std::pow(80.0, place))};  // 5 to 400 ms, mostly short
    from_the_start = random() % 8 == 0;
    synchronous = random() % 3 == 0 ? troupe::synchronous::full : troupe::synchronous::normal;
    ends_by_itself = random() % 16 == 0;
    traffic_seed = random();
  }
  milliseconds kill_after{};
  bool from_the_start = false;   ///< the time counts from the start of the process: it may die while it opens the store
  troupe::synchronous synchronous = troupe::synchronous::full;
  bool ends_by_itself = false;
  std::uint64_t traffic_seed = 0;
};

class test {
 public:
  explicit test(const settings& s) : settings_{s} {
    directory_ = (fs::path{s.directory} / "troupe-crash-XXXXXX").string();
    if (::mkdtemp(directory_.data()) == nullptr) throw std::runtime_error("cannot make a directory in " + s.directory);
    program_ = fs::read_symlink("/proc/self/exe").string();
  }

  int run() {
    const auto began = clock::now();
    for (std::uint64_t round = 1; round <= settings_.rounds; ++round) {
      const auto faults = run_round(round, plan{settings_.seed, round});
      if (!faults.empty()) return report(round, faults);
    }
    fs::remove_all(directory_);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(clock::now() - began).count();
    fmt::print("{} lives, {} acknowledged operations, {} s, seed {}: ", settings_.rounds, model_.acknowledged(),
               seconds, settings_.seed);
    if (settings_.fault.empty()) {
      fmt::print("nothing lost, nothing torn\n");
      return 0;
    }
    fmt::print("the planted fault {} was NOT found\n", settings_.fault);
    return 1;
  }

 private:
  using faults = std::vector<std::string>;

  [[nodiscard]] std::string database() const { return directory_ + "/life.db"; }

  faults run_round(std::uint64_t round, const plan& p) {
    const auto before = model_.acknowledged();
    faults found = run_life(p);
    if (found.empty()) found = inspect();
    if (settings_.verbose) {
      const char* const synchronous = p.synchronous == troupe::synchronous::full ? "full" : "normal";
      fmt::print("round {}: {} ms, {}{}, {} acknowledged\n", round, p.kill_after.count(), synchronous,
                 p.ends_by_itself ? ", ended by itself" : "", model_.acknowledged() - before);
      std::fflush(stdout);
    }
    return found;
  }

  /// One life and its end; hears all that it had to say.
  faults run_life(const plan& p) {
    faults found;
    const char* const synchronous = p.synchronous == troupe::synchronous::full ? "full" : "normal";
    process child{program_, {"--live", database(), std::to_string(p.traffic_seed), synchronous, settings_.fault}};
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
        model_.hear(r);
      }
    }
    const int status = child.wait();
    const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    const bool as_told = p.ends_by_itself ? finished && status == 0 : killed && ending;
    if (!as_told && found.empty()) found.push_back(fmt::format("it ended by itself (wait status {:#x})", status));
    return found;
  }

  /// Looks at a copy, so that the next life is the first to open what the last one left, and a failure can be studied.
  faults inspect() {
    const std::string copy = directory_ + "/copy.db";
    for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(copy + suffix);
    for (const char* suffix : {"", "-wal"}) {
      if (fs::exists(database() + suffix)) fs::copy_file(database() + suffix, copy + suffix);
    }
    if (!fs::exists(copy)) return {};  // it was killed before there was a file
    const observation seen = observe(copy, model_.ended());
    faults found = model_.faults_of(seen);
    if (found.empty()) model_.adopt(seen);
    return found;
  }

  int report(std::uint64_t round, const faults& found) {
    fmt::print("round {}:\n", round);
    for (const std::string& fault : found) fmt::print("  {}\n", fault);
    if (!settings_.fault.empty()) {
      fmt::print("so the planted fault {} was found\n", settings_.fault);
      fs::remove_all(directory_);
      return 0;
    }
    fmt::print("FAILED. The database as it was left is {}\n"
               "Again, as far as timing allows: {} --seed {} --rounds {}\n",
               database(), program_, settings_.seed, round);
    return 1;
  }

  settings settings_;
  std::string directory_;
  std::string program_;
  model model_;
};

int run(const std::vector<std::string>& words) {
  if (!words.empty() && words[0] == "--live") {
    return live({.database = words.at(1),
                 .seed = number_from(words.at(2)),
                 .synchronous = words.at(3) == "full" ? troupe::synchronous::full : troupe::synchronous::normal,
                 .fault = words.at(4),
                 .journal = STDOUT_FILENO,
                 .leash = STDIN_FILENO});
  }
  return test{settings_from(words)}.run();
}

}  // namespace
}  // namespace crash

int main(int count, char** words) {
  try {
    return crash::run({words + 1, words + count});
  } catch (const std::exception& e) {
    fmt::print(stderr, "crash_test: {}\n", e.what());
    return 2;
  }
}
