// SPDX-License-Identifier: Apache-2.0
#include "process.hpp"

#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace lives {
namespace {

constexpr std::size_t records_at_once = 64;

}  // namespace

process::process(const std::string& program, std::vector<std::string> words) {
  int journal[2];
  int leash[2];
  if (::pipe2(journal, O_CLOEXEC) != 0 || ::pipe2(leash, O_CLOEXEC) != 0) throw std::runtime_error("no more pipes");
  words.insert(words.begin(), program);
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

process::~process() {
  if (pid_ > 0) {
    kill();
    static_cast<void>(wait());
  }
  let_go();
  ::close(journal_);
}

void process::kill() const { ::kill(pid_, SIGKILL); }

void process::let_go() {
  if (leash_ >= 0) ::close(std::exchange(leash_, -1));
}

// A pipe gives whole records, as long as whole records are asked for.
process::news process::fill(std::size_t record_bytes, time until) {
  if (taken_ < heard_.size()) return news::said;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
  pollfd ready{.fd = journal_, .events = POLLIN, .revents = 0};
  if (left <= 0 || ::poll(&ready, 1, static_cast<int>(left)) == 0) return news::late;  // also if it never stops talking
  heard_.resize(record_bytes * records_at_once);
  const ssize_t got = ::read(journal_, heard_.data(), heard_.size());
  heard_.resize(got > 0 ? static_cast<std::size_t>(got) / record_bytes * record_bytes : 0);
  taken_ = 0;
  return heard_.empty() ? news::silent : news::said;
}

int process::wait() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return status;
}

}  // namespace lives
