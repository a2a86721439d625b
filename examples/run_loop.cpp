// SPDX-License-Identifier: Apache-2.0
// Run loops: what an actor does without being called. One that looks round every ten seconds, one that works through a
// job and carries on where it was, one whose source fails now and then, and one that sleeps until a message comes.

#include <troupe/troupe.hpp>

#include <functional>
#include <map>
#include <vector>

#include "support.hpp"

using namespace std::chrono_literals;

// [monitor]
struct monitor {
  std::map<std::string, troupe::wall_time> heard_from;
  std::vector<std::string> missing;

  void beat(troupe::context<monitor>& c, std::string device) { heard_from[device] = c.wall(); }
  std::vector<std::string> lost() const { return missing; }
  void close(troupe::context<monitor>& c) { c.sleep(); }

  troupe::task<> run(troupe::context<monitor>& c) {
    for (;;) {
      co_await c.delay(10s);
      for (auto each = heard_from.begin(); each != heard_from.end();) {
        if (c.wall() - each->second < 1min) {
          ++each;
        } else {
          missing.push_back(each->first);
          each = heard_from.erase(each);
        }
      }
    }
  }

  using actor = troupe::actor<monitor, &monitor::beat, &monitor::lost, &monitor::close>;
};
// [/monitor]

int imported = 0;

// [job]
struct import_job {
  int rows = 0;
  int next_row = 0;

  void on_create(troupe::context<import_job>&, int how_many) { rows = how_many; }

  troupe::task<> run(troupe::context<import_job>& c) {
    while (next_row < rows) {
      co_await c.delay(100ms);
      ++imported;
      ++next_row;  // durable with this turn: after a crash it carries on from here
    }
    c.destroy();
  }

  int progress() const { return next_row; }
  using actor = troupe::actor<import_job, &import_job::progress>;
};
// [/job]

// Stands for a service elsewhere.
struct exchange {
  bool is_down = false;

  double ask() const {
    if (is_down) throw troupe::user_error{"exchange_down", "No answer"};
    return 42.0;
  }
};

// [feed]
struct price_feed {
  double price = 0;
  int updates = 0;

  troupe::task<> run(troupe::context<price_feed>& c) {
    for (;;) {
      price = c.service<exchange>().ask();  // may throw
      ++updates;
      co_await c.delay(1s);
    }
  }

  double latest() const { return price; }
  int count() const { return updates; }

  static constexpr troupe::options options{.run_restart_min = 1s, .run_restart_max = 30s};
  using actor = troupe::actor<price_feed, &price_feed::latest, &price_feed::count, troupe::needs<exchange>>;
};
// [/feed]

// [worker]
struct thumbnailer {
  static constexpr troupe::queue<"pictures", std::string> pictures{};
  int made = 0;

  troupe::task<> run(troupe::context<thumbnailer>& c) {
    for (;;) {
      auto picture = co_await c.queue().next(pictures);  // the actor may sleep here
      if (!picture->empty()) ++made;
    }
  }

  int count() const { return made; }
  using actor = troupe::actor<thumbnailer, pictures, &thumbnailer::count>;
};
// [/worker]

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

using phase = troupe::actor_status::phase;

void look_round(troupe::runtime& runtime, const stage& time) {
  const auto devices = runtime.client().get_or_create<monitor>("house");
  runtime.run(devices.call<&monitor::beat>("door"));
  for (int i = 0; i < 4; ++i) {
    runtime.run(devices.call<&monitor::beat>("window"));
    time.advance(runtime, 20s);
  }
  check(runtime.run(devices.call<&monitor::lost>()) == std::vector<std::string>{"door"});
  check(runtime.run(devices.status()).reason == "awake: run not ended");  // a loop that waits by c.delay keeps it awake
  runtime.run(devices.call<&monitor::close>());
  time.advance(runtime, 1s);
  check(runtime.run(devices.status()).state == phase::asleep);
}

void finish_a_job(const std::string& path) {
  troupe::registry registry;
  registry.use<import_job>("importJob");
  {
    const stage time;
    troupe::runtime runtime{registry, {.store = troupe::sqlite{path}, .executor = time.executor}};
    auto import = runtime.run(runtime.client().create<import_job>("tuesday", 100));
    time.advance(runtime, 5s);
    const int done = runtime.run(import.call<&import_job::progress>());
    check(done > 0 && done < 100);
  }  // the program ends in the middle of it
  const stage time;
  troupe::runtime runtime{registry, {.store = troupe::sqlite{path}, .executor = time.executor}};
  const auto import = runtime.client().get<import_job>("tuesday");
  check(runtime.run(import.call<&import_job::progress>()) > 0);  // wakes it
  time.advance(runtime, 30s);
  check(imported == 100);
  bool gone = false;
  try {
    runtime.run(import.call<&import_job::progress>());
  } catch (const troupe::error& e) {
    gone = e.is(troupe::errc::not_found);
  }
  check(gone);
}

void fail_and_recover(troupe::runtime& runtime, exchange& prices, const stage& time) {
  const auto feed = runtime.client().get_or_create<price_feed>("EUR");
  runtime.run(feed.call<&price_feed::latest>());
  time.advance(runtime, 5s);
  const int before = runtime.run(feed.call<&price_feed::count>());
  check(before >= 5);
  prices.is_down = true;
  time.advance(runtime, 10s);
  check(runtime.run(feed.call<&price_feed::count>()) == before);
  check(runtime.run(feed.call<&price_feed::latest>()) == 42.0);  // the actor lives on
  prices.is_down = false;
  time.advance(runtime, 20s);
  check(runtime.run(feed.call<&price_feed::count>()) > before);
}

void wait_asleep(troupe::runtime& runtime, const stage& time) {
  const auto worker = runtime.client().get_or_create<thumbnailer>("w");
  // [send]
  runtime.run(worker.send(thumbnailer::pictures, "cat.png"));
  runtime.run(worker.send(thumbnailer::pictures, "dog.png", troupe::delayed{5min}));
  // [/send]
  time.advance(runtime, 1s);
  check(runtime.run(worker.status()).reason == "awake: run waits for a message, sleeps soon");
  time.advance(runtime, 1min);
  check(runtime.run(worker.status()).state == phase::asleep);
  time.advance(runtime, 4min);  // the second message is due, and wakes it
  check(runtime.run(worker.call<&thumbnailer::count>()) == 2);
}

int main() {
  troupe::registry registry;
  registry.use<monitor>("monitor");
  registry.use<price_feed>("priceFeed");
  registry.use<thumbnailer>("thumbnailer");
  {
    const stage time;
    exchange prices;
    int failures = 0;
    troupe::runtime_options options;
    options.services.provide(std::ref(prices));
    options.executor = time.executor;
    options.on_error = [&](const std::exception_ptr&, std::string_view where) {
      check(where == "run of priceFeed/EUR");
      ++failures;
    };
    troupe::runtime runtime{registry, options};
    look_round(runtime, time);
    fail_and_recover(runtime, prices, time);
    wait_asleep(runtime, time);
    check(failures > 1);
  }
  const temporary_folder folder;
  finish_a_job(folder / "jobs.db");
  return 0;
}
