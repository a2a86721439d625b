// Kills a program with SIGKILL at random instants, over and over on one database, and holds what it finds against what
// had been acknowledged.
//
//   crash_test [--rounds N] [--seed S] [--plant FAULT] [--directory PATH] [--verbose]
//
// With --plant (see planted.hpp) the store is broken on purpose: it is a success to find that, and a failure not to.
// A round derives everything but the timing from the seed and its number.

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal.hpp"
#include "life.hpp"
#include "model.hpp"
#include "observation.hpp"

extern char** environ;

namespace crash {
namespace {

namespace fs = std::filesystem;
using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::chrono::seconds patience{60};  // for what takes a moment, on a machine that is busy with other things

struct settings {
  std::uint64_t rounds = 200;
  std::uint64_t seed = std::random_device{}();
  std::string fault;
  std::string directory = fs::temp_directory_path().string();
  bool verbose = false;
};

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

/// A life in a process of its own: this program again, so that it begins from nothing.
class process {
 public:
  process(const std::string& program, const life& how) {
    int journal[2];
    int leash[2];
    if (::pipe2(journal, O_CLOEXEC) != 0 || ::pipe2(leash, O_CLOEXEC) != 0) throw std::runtime_error("no more pipes");
    const char* const synchronous = how.synchronous == troupe::synchronous::full ? "full" : "normal";
    std::vector<std::string> words{program,     "--live",  how.database, std::to_string(how.seed),
                                   synchronous, how.fault};
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, leash[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, journal[1], STDOUT_FILENO);
    const int result = posix_spawn(&pid_, program.c_str(), &actions, nullptr, pointers.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(journal[1]);
    ::close(leash[0]);
    journal_ = journal[0];
    leash_ = leash[1];
    if (result != 0) throw std::runtime_error("cannot start " + program);
  }
  ~process() {
    if (pid_ > 0) {
      kill();
      static_cast<void>(wait());
    }
    let_go();
    ::close(journal_);
  }
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  void kill() const { ::kill(pid_, SIGKILL); }
  void let_go() {
    if (leash_ >= 0) ::close(std::exchange(leash_, -1));
  }

  enum class news { said, late, silent };

  /// The next record, if it comes in time; `silent` when there will be none.
  news hear(record& r, clock::time_point until) const {
    const auto left = std::chrono::ceil<milliseconds>(until - clock::now()).count();
    pollfd ready{.fd = journal_, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, static_cast<int>(std::max<std::int64_t>(left, 0))) == 0) return news::late;
    return ::read(journal_, &r, sizeof r) == static_cast<ssize_t>(sizeof r) ? news::said : news::silent;
  }

  /// What waitpid says.
  int wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_ = -1;
  int journal_ = -1;
  int leash_ = -1;
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
    process child{program_, {.database = database(),
                             .seed = p.traffic_seed,
                             .synchronous = p.synchronous,
                             .fault = settings_.fault}};
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

std::uint64_t number_from(const std::string& text) {
  std::uint64_t value = 0;
  const char* const last = text.data() + text.size();
  const auto [end, failure] = std::from_chars(text.data(), last, value);
  if (failure != std::errc{} || end != last) throw std::invalid_argument(text + " is not a number");
  return value;
}

settings parse(const std::vector<std::string>& words) {
  settings s;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto next = [&]() -> const std::string& {
      if (i + 1 == words.size()) throw std::invalid_argument(words[i] + " needs a value");
      return words[++i];
    };
    if (words[i] == "--rounds") {
      s.rounds = number_from(next());
    } else if (words[i] == "--seed") {
      s.seed = number_from(next());
    } else if (words[i] == "--plant") {
      s.fault = next();
    } else if (words[i] == "--directory") {
      s.directory = next();
    } else if (words[i] == "--verbose") {
      s.verbose = true;
    } else {
      throw std::invalid_argument("there is no option " + words[i]);
    }
  }
  return s;
}

int run(const std::vector<std::string>& words) {
  if (!words.empty() && words[0] == "--live") {
    return live({.database = words.at(1),
                 .seed = number_from(words.at(2)),
                 .synchronous = words.at(3) == "full" ? troupe::synchronous::full : troupe::synchronous::normal,
                 .fault = words.at(4),
                 .journal = STDOUT_FILENO,
                 .leash = STDIN_FILENO});
  }
  return test{parse(words)}.run();
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
