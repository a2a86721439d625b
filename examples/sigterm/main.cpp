// SPDX-License-Identifier: Apache-2.0
// A server that ends when it is told to: SIGTERM, as systemd, Docker and Kubernetes send it, or Ctrl-C. Its actors go to
// sleep and are saved within the limit that the supervisor gives. A second signal ends it at once; that loses nothing
// that was acknowledged, as no crash does.
//
//     sigterm DATABASE     prints how often its heart has beaten, in all runs together

#include <troupe/troupe.hpp>

#include <csignal>
#include <cstdio>
#include <string>

#include <fmt/core.h>

using namespace std::chrono_literals;

namespace {

struct heart {
  int beats = 0;

  troupe::task<> run(troupe::context<heart>& c) {
    for (;;) {  // ends with actor.aborted when the actor shuts down
      ++beats;
      co_await c.delay(1ms);
    }
  }
  int count() const { return beats; }

  using actor = troupe::actor<heart, &heart::count>;
};

// [signals]
/// SIGTERM and SIGINT wait for `next` in the place of ending the process. Made before any other thread is: threads
/// inherit what is blocked, and a signal goes to any thread that does not block it.
class end_signals {
 public:
  end_signals() {
    sigemptyset(&both_);
    sigaddset(&both_, SIGTERM);
    sigaddset(&both_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &both_, &before_);
  }
  end_signals(const end_signals&) = delete;
  end_signals& operator=(const end_signals&) = delete;
  ~end_signals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  /// Waits for one. From then on the next one ends the process.
  int next() {
    int signal = 0;
    sigwait(&both_, &signal);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    return signal;
  }

 private:
  sigset_t both_{};
  sigset_t before_{};
};
// [/signals]

// [serve]
int serve(const std::string& file) {
  end_signals signals;  // before the runtime, which starts threads
  troupe::registry registry;
  registry.use<heart>("heart");
  troupe::runtime runtime{registry, {.store = troupe::sqlite{file}, .shutdown_limit = 8s}};  // Docker gives 10 s

  const auto ours = runtime.client().get_or_create<heart>("ours");
  fmt::print("beats: {}\n", ours.call<&heart::count>().get());
  std::fflush(stdout);

  const int signal = signals.next();  // the main thread has nothing else to do
  fmt::print("signal {}: stopping\n", signal);
  runtime.shutdown();
  fmt::print("stopped\n");
  return 0;
}
// [/serve]

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 || argv[1] == std::string{"--help"}) {
    fmt::print("sigterm DATABASE: serves until SIGTERM or SIGINT\n");
    return argc == 2 ? 0 : 2;
  }
  return serve(argv[1]);
}
