// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/// Runs a function in a forked process and hears what it says. Killed and waited for, at the latest when it goes.
class child_process {
 public:
  class mouth {
   public:
    explicit mouth(int descriptor) : descriptor_{descriptor} {}
    void say(char c) const {
      if (::write(descriptor_, &c, 1) != 1) ::_exit(3);
    }

   private:
    int descriptor_;
  };

  /// The child ends when the function returns: with 0 if that is true, with 1 if not, with 2 if it throws.
  template <class Function>
  explicit child_process(const Function& function) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) throw std::runtime_error("no pipe");
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("no fork");
    if (pid_ == 0) {
      ::close(ends[0]);
      run(function, mouth{ends[1]});
    }
    ::close(ends[1]);
    ear_ = ends[0];
  }

  ~child_process() {
    kill();
    ::close(ear_);
  }
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

  /// The next thing said; 0 when the child is gone.
  [[nodiscard]] char hear() const {
    char c = 0;
    return ::read(ear_, &c, 1) == 1 ? c : '\0';
  }

  void kill() {
    if (!alive_) return;
    ::kill(pid_, SIGKILL);
    static_cast<void>(wait());
  }

  /// The exit code; -1 if a signal ended it.
  [[nodiscard]] int wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    alive_ = false;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  template <class Function>
  [[noreturn]] static void run(const Function& function, const mouth& m) noexcept {
    try {
      const bool ok = function(m);
      ::_exit(ok ? 0 : 1);
    } catch (...) {
      ::_exit(2);
    }
  }

  pid_t pid_ = -1;
  int ear_ = -1;
  bool alive_ = true;
};

/// Waits for a SIGKILL.
[[noreturn]] inline void wait_for_the_end() {
  for (;;) ::pause();
}
