// SPDX-License-Identifier: Apache-2.0
// How long committed calls take that come when they are due, whether or not those before have been answered: an open
// loop at half of the highest rate. A call's latency counts from the moment at which it was due, so that whatever holds
// calls up is in all of theirs.

#include <sys/prctl.h>

#include <thread>

#include "durable.hpp"

namespace {

using bench::record;
using bench::seconds_since;
using bench::steady_clock;
using namespace std::chrono_literals;

constexpr std::size_t actors = 1024;
constexpr double seconds_long = 2;

troupe::task<> one(const troupe::handle<record>& h, steady_clock::time_point due, double& seconds,
                   bench::arrivals& answered) {
  co_await h.call<&record::write>();
  seconds = seconds_since(due);
  answered.add();
}

double highest_rate(bench::records& world) {
  constexpr int rounds = 100;
  std::vector<double> seconds;
  world.write_all(1, seconds);
  return static_cast<double>(actors) * rounds / world.write_all(rounds, seconds);
}

void half_load(benchmark::State& state) {
  const bench::directory where;
  bench::records world{troupe::durability::committed, actors, troupe::sqlite{where.file("app.db")}};
  const double rate = highest_rate(world) / 2;
  const std::chrono::duration<double> period{1 / rate};
  std::vector<double> seconds(static_cast<std::size_t>(rate * seconds_long));
  bench::arrivals answered;
  answered.expect(static_cast<std::int64_t>(seconds.size()));
  ::prctl(PR_SET_TIMERSLACK, 1);
  for (auto _ : state) {
    const auto start = steady_clock::now();
    for (std::size_t sent = 0; sent != seconds.size();) {
      const auto due = std::min(static_cast<std::size_t>(seconds_since(start) * rate), seconds.size());
      for (; sent != due; ++sent) {
        const auto at = start + std::chrono::duration_cast<steady_clock::duration>(period * static_cast<double>(sent));
        world.runtime.spawn(one(world.handles[sent % actors], at, seconds[sent], answered));
      }
      std::this_thread::sleep_for(50us);
    }
    answered.wait();
    state.SetIterationTime(seconds_since(start));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(seconds.size()));
  bench::report(state, seconds);
}

// What the disk does by itself, for as long: a row's append and its fdatasync.
void disk(benchmark::State& state) {
  const bench::directory where;
  bench::log_file file{where.file("log")};
  const troupe::bytes row(16 + 120);
  std::vector<double> seconds;
  for (auto _ : state) {
    const auto begin = steady_clock::now();
    while (seconds_since(begin) < seconds_long) {
      const auto start = steady_clock::now();
      file.append(row);
      seconds.push_back(seconds_since(start));
    }
    state.SetIterationTime(seconds_since(begin));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(seconds.size()));
  bench::report(state, seconds);
}

}  // namespace

BENCHMARK(half_load)->Name("latency/half_load")->Iterations(1)->UseManualTime();
BENCHMARK(disk)->Name("latency/disk")->Iterations(1)->UseManualTime();

BENCHMARK_MAIN();
