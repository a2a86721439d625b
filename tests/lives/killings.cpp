// SPDX-License-Identifier: Apache-2.0
#include "killings.hpp"

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

namespace lives {
namespace {

namespace fs = std::filesystem;
using clock = std::chrono::steady_clock;

constexpr std::size_t faults_shown = 12;
constexpr int could_not_begin = 2;  // the exit status of `main` after an exception

}  // namespace

killings::killings(const settings& s, const std::string& name, span lives) : settings_{s}, lives_{lives} {
  directory_ = (fs::path{s.directory} / ("troupe-" + name + "-XXXXXX")).string();
  if (::mkdtemp(directory_.data()) == nullptr) throw std::runtime_error("cannot make a directory in " + s.directory);
  program_ = fs::read_symlink("/proc/self/exe").string();
}

int killings::run() {
  const auto began = clock::now();
  std::uint64_t kills = 0;
  for (std::uint64_t number = 1; kills < settings_.rounds; ++number) {
    std::mt19937_64 random{settings_.seed * 1'000'003 + number};
    const plan end = draw(random);
    if (!end.ends_by_itself) ++kills;
    const auto found = run_round({number, kills == settings_.rounds, end, random});
    if (settings_.verbose) {
      fmt::print("round {}: {} ms{}, {}\n", number, end.kill_after.count(),
                 end.ends_by_itself ? ", ended by itself" : "", done());
      std::fflush(stdout);
    }
    if (!found.empty()) return report(number, found);
  }
  fs::remove_all(directory_);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(clock::now() - began).count();
  fmt::print("{} kills, {}, {} s, seed {}: ", settings_.rounds, done(), seconds, settings_.seed);
  if (settings_.fault.empty()) {
    fmt::print("{}\n", holds());
    return 0;
  }
  fmt::print("the planted fault {} was NOT found\n", settings_.fault);
  return 1;
}

killings::plan killings::draw(std::mt19937_64& random) const {
  const double place = std::uniform_real_distribution{}(random);
  const auto shortest = static_cast<double>(lives_.shortest.count());
  const auto longest = static_cast<double>(lives_.longest.count());
  plan p;
  p.kill_after = milliseconds{static_cast<int>(shortest * std::pow(longest / shortest, place))};
  p.from_the_start = random() % 8 == 0;
  p.ends_by_itself = random() % 16 == 0;
  return p;
}

std::optional<std::string> killings::copy_database() const {
  const std::string copy = directory_ + "/copy.db";
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(copy + suffix);
  for (const char* suffix : {"", "-wal"}) {
    if (fs::exists(database() + suffix)) fs::copy_file(database() + suffix, copy + suffix);
  }
  if (!fs::exists(copy)) return std::nullopt;
  return copy;
}

int killings::report(std::uint64_t round, const faults& found) const {
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

// --- one life -------------------------------------------------------------------------------------------------------

killings::course::course(const plan& p)
    : how{p}, until{clock::now() + (p.from_the_start ? p.kill_after : patience)}, ready{p.from_the_start} {}

void killings::course::is_ready() {
  if (ready) return;
  ready = true;
  until = clock::now() + how.kill_after;
}

const char* killings::course::time_is_up(process& child) {
  if (!ready) return "it was not ready in a minute";
  if (ending) return "it did not end in a minute";
  ending = true;
  how.ends_by_itself ? child.let_go() : child.kill();
  until = clock::now() + patience;
  return nullptr;
}

void killings::course::has_ended(int status) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == could_not_begin) {
    throw std::runtime_error("a life could not begin: see above");  // and so shows nothing of a planted fault
  }
  const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  const bool as_told = how.ends_by_itself ? finished && status == 0 : killed && ending;
  if (!as_told && found.empty()) found.push_back(fmt::format("it ended by itself (wait status {:#x})", status));
}

}  // namespace lives
