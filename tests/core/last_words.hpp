// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/// How a process ended.
struct process_end {
  bool aborted = false;  ///< by std::abort, as std::terminate and failed assertions do
  std::string words;     ///< its output on stderr
};

/// Runs a function in a forked process, for mistakes that end the process. The calling process has one thread.
template <class Function>
process_end end_of_process(const Function& function) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) throw std::runtime_error("no pipe");
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("no fork");
  if (child == 0) {
    ::close(ends[0]);
    ::dup2(ends[1], STDERR_FILENO);
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    std::signal(SIGABRT, SIG_DFL);
    ::alarm(60);  // one that hangs instead fails the test
    function();
    ::_exit(0);
  }
  ::close(ends[1]);
  process_end end;
  std::array<char, 512> some{};
  for (ssize_t n = 0; (n = ::read(ends[0], some.data(), some.size())) > 0;) {
    end.words.append(some.data(), static_cast<std::size_t>(n));
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  end.aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
  return end;
}
