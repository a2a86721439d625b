// SPDX-License-Identifier: Apache-2.0
// The life of an actor, from creation over sleep and wake to its end, with every hook. All hooks are optional, and most
// actors need none: write `on_create` to take an input, `on_wake` to rebuild what is not stored, `on_sleep` and
// `on_destroy` to give back what a transient holds.

#include <troupe/troupe.hpp>

#include <memory>
#include <vector>

#include "support.hpp"

using namespace std::chrono_literals;

std::vector<std::string> happened;

// [account]
struct account {
  struct opening {
    std::string owner;
  };

  std::string owner;
  std::int64_t balance = 0;
  troupe::transient<int> calls_since_wake;

  void on_create(troupe::context<account>&, opening input) {
    owner = std::move(input.owner);
    happened.push_back("create");
  }
  troupe::task<> on_wake(troupe::context<account>&) {
    co_await troupe::delay(10ms);
    happened.push_back("wake");
  }
  void on_state_change(troupe::context<account>&) const { happened.push_back("change"); }
  void on_sleep(troupe::context<account>&) { happened.push_back("sleep"); }
  void on_destroy(troupe::context<account>&) { happened.push_back("destroy"); }

  std::int64_t deposit(std::int64_t amount) {
    ++*calls_since_wake;
    return balance += amount;
  }
  int calls() const { return *calls_since_wake; }
  void close(troupe::context<account>& c) { c.destroy(); }

  static constexpr troupe::options options{.sleep_after = 1min, .on_wake_timeout = 5s};
  using actor = troupe::actor<account, &account::deposit, &account::calls, &account::close>;
};
// [/account]

// [background]
struct importer {
  int done = 0;

  void begin(troupe::context<importer>& c, int rows) {  // returns at once
    c.keep_awake([this, &c, rows]() -> troupe::task<> {
      const auto stop = c.stop_token();
      for (int i = 0; i < rows && !stop.stop_requested(); ++i) {
        co_await troupe::delay(1s);
        ++done;
      }
    });
  }
  int rows() const { return done; }

  using actor = troupe::actor<importer, &importer::begin, &importer::rows>;
};
// [/background]

// A runtime whose time is turned by hand.
struct stage {
  std::shared_ptr<troupe::manual_clock> clock = std::make_shared<troupe::manual_clock>();
  std::shared_ptr<troupe::manual_executor> executor =
      std::make_shared<troupe::manual_executor>(clock, troupe::manual_executor::options{.io_thread = false});

  void advance(troupe::runtime& runtime, std::chrono::milliseconds duration) const {
    runtime.poll();
    for (auto passed = 0ms; passed < duration; passed += 100ms) {
      clock->advance(100ms);
      runtime.poll();
    }
  }
};

troupe::task<> open(troupe::client client, account::opening input) {
  auto made = co_await client.create<account>("DE-1", input);
  co_await made.call<&account::deposit>(10);
}

void a_life(troupe::runtime& runtime, const stage& time) {
  runtime.spawn(open(runtime.client(), account::opening{"alice"}));
  time.advance(runtime, 1s);
  check(happened == std::vector<std::string>{"create", "wake", "change"});

  time.advance(runtime, 90s);
  check(happened.back() == "sleep");
  const auto alice = runtime.client().get<account>("DE-1");
  check(runtime.run(alice.status()).state == troupe::actor_status::phase::asleep);  // to look does not wake it

  alice.post<&account::deposit>(5);  // this does
  time.advance(runtime, 1s);
  check(runtime.run(alice.call<&account::calls>()) == 1);  // a transient begins anew

  runtime.run(alice.call<&account::close>());
  time.advance(runtime, 1s);
  check(happened == std::vector<std::string>{"create", "wake", "change", "sleep", "wake", "change", "destroy"});
}

void background_work(troupe::runtime& runtime, const stage& time) {
  const auto import = runtime.client().get_or_create<importer>("nightly");
  runtime.run(import.call<&importer::begin>(120));
  time.advance(runtime, 90s);  // longer than the half minute after which an idle actor sleeps
  const auto status = runtime.run(import.status());
  check(status.state == troupe::actor_status::phase::awake);
  check(status.reason == "awake: keep_awake not ended");
  time.advance(runtime, 90s);
  check(runtime.run(import.status()).state == troupe::actor_status::phase::asleep);
  check(runtime.run(import.call<&importer::rows>()) == 120);
}

int main() {
  const stage time;
  troupe::registry registry;
  registry.use<account>("account");
  registry.use<importer>("importer");
  troupe::runtime runtime{registry, {.executor = time.executor}};
  a_life(runtime, time);
  background_work(runtime, time);
  return 0;
}
