// SPDX-License-Identifier: Apache-2.0
// Counts who changed what, and when, in a git repository: with one durable actor per author, per file and per hour of
// the day. Halfway through, the process is killed. The next one carries on, and the result is what git itself counts.
//
//   git_activity [PATH]      a repository; the one around the current directory if there is no PATH
//
// The actors are in actors.hpp; this file is about their two lives.

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <troupe/troupe.hpp>

#include "actors.hpp"
#include "git.hpp"
#include "report.hpp"

using namespace git_activity;

namespace {

/// The actors over one database file.
class application {
 public:
  explicit application(const std::string& database) : runtime_{served(), {.store = troupe::sqlite{database}}} {}

  [[nodiscard]] const troupe::runtime& runtime() const { return runtime_; }
  [[nodiscard]] const troupe::client& client() const { return runtime_.client(); }
  [[nodiscard]] troupe::handle<repository> coordinator() const {
    return runtime_.client().get_or_create<repository>("history").with(troupe::timeout{troupe::never});
  }

 private:
  static troupe::registry served() {
    troupe::registry registry;
    registry.use<repository>("repository").use<author>("author").use<file>("file").use<hour>("hour");
    return registry;
  }
  troupe::runtime runtime_;
};

class temporary_directory {
 public:
  temporary_directory() {
    std::string name = (std::filesystem::temp_directory_path() / "git_activity-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a directory like " + name);
    path_ = name;
  }
  ~temporary_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;
  [[nodiscard]] std::string database() const { return (path_ / "activity.db").string(); }

 private:
  std::filesystem::path path_;
};

/// A call takes several commits, since its reply waits for the disk.
std::size_t batch_size(std::size_t commits) { return std::clamp<std::size_t>(commits / 40, 1, 500); }

std::vector<commit> batch_after(const std::vector<commit>& history, std::uint64_t done) {
  const std::size_t end = std::min(history.size(), done + batch_size(history.size()));
  return {history.begin() + static_cast<std::ptrdiff_t>(done), history.begin() + static_cast<std::ptrdiff_t>(end)};
}

/// Records half of the history, and dies while it is at the next batch: amid the calls from actor to actor, with some
/// of their effects on disk and some not.
[[noreturn]] void live_until_killed(const std::string& database, const std::vector<commit>& history,
                                    std::uint64_t half) {
  const application app{database};
  const auto coordinator = app.coordinator();
  const bar bar{"first life", history.size()};
  std::uint64_t acknowledged = 0;
  while (acknowledged < half) {
    acknowledged = coordinator.call<&repository::record>(batch_after(history, acknowledged)).get();
    bar.show(acknowledged);
  }
  bar.end(acknowledged, bad("killed"));

  // The worst instant to die is between two of the calls that make up a commit. Chance rarely finds it; so one of the
  // next commit's calls is made here, and is on disk before the coordinator sets out to make them all.
  const commit& next = history.at(acknowledged);
  const auto who = app.client().get_or_create<author>(key_of(next.author));
  who.call<&author::count>(next.number, next.sum()).get();
  const auto commits = app.runtime().health().commits;
  coordinator.post<&repository::record>(batch_after(history, acknowledged));
  while (app.runtime().health().commits == commits) std::this_thread::yield();
  std::raise(SIGKILL);
  std::abort();
}

/// Runs the first life in a process of its own. True if it ended as it should.
bool was_killed(const std::string& database, const std::vector<commit>& history, std::uint64_t half) {
  const pid_t child = ::fork();  // nothing runs yet that a fork would tear apart
  if (child < 0) throw std::runtime_error("cannot start another process");
  if (child == 0) {
    try {
      live_until_killed(database, history, half);
    } catch (const std::exception& e) {
      fmt::print(stderr, "\ngit_activity: the first life: {}\n", e.what());
    }
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

summary finish(const std::string& database, const std::vector<commit>& history, std::uint64_t acknowledged) {
  const application app{database};
  const auto coordinator = app.coordinator();
  const bar bar{"second life", history.size()};
  const progress found = coordinator.call<&repository::state>().get();
  if (found.done < acknowledged) {
    throw std::runtime_error(fmt::format("{} commits were acknowledged, and {} are left", acknowledged, found.done));
  }
  for (auto done = found.done; done < history.size();) {
    bar.show(done);
    done = coordinator.call<&repository::record>(batch_after(history, done)).get();
  }
  const progress now = coordinator.call<&repository::state>().get();
  bar.end(now.done, good(fmt::format("found {} done and {} of the next begun; counted nothing twice", found.done,
                                     now.repeats == 0 ? "none" : "a part")));
  return coordinator.call<&repository::survey>().get();
}

bool run(const std::string& path) {
  const git source{path};
  const bool is_real = source.is_there();
  const std::string subject = is_real ? path : fmt::format("a small sample, since git finds no repository in {}", path);
  fmt::print("\n  {} of {}\n\n", strong("git activity"), subject);
  if (is_real && !source.has_commits()) {
    fmt::print("  nothing is committed yet, so there is nothing to count\n\n");
    return true;
  }
  std::fflush(stdout);

  const temporary_directory place;
  const std::vector<commit> history = is_real ? source.history() : sample_history();
  const std::uint64_t half = history.size() / 2 / batch_size(history.size()) * batch_size(history.size());
  if (!was_killed(place.database(), history, half)) {
    fmt::print("\n  {} the first life was not killed\n", bad("FAILED:"));
    return false;
  }
  const summary counted = finish(place.database(), history, half);
  print_leaderboard(counted);
  const bool same = is_real ? print_comparison(counted, source.counts(), "what git counts")
                            : print_comparison(counted, sample_counts(), "what the sample holds");
  fmt::print("\n");
  return same;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run(count > 1 ? arguments[1] : ".") ? 0 : 1;
  } catch (const std::exception& e) {
    std::fflush(stdout);
    fmt::print(stderr, "\ngit_activity: {}\n", e.what());
    return 1;
  }
}
