// SPDX-License-Identifier: Apache-2.0
// Calls of actors that are in memory, with everything on (dirty marks, epochs, time-outs, limits), and beside them, in
// the same run, what the machine asks for the pieces they are made of.
//
//     bench_call --benchmark_filter='call/|baseline/'

#include <algorithm>
#include <array>
#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "world.hpp"

namespace {

using bench::tally;
using bench::tallies;
using troupe::durability;

// -- callers ---------------------------------------------------------------------------------------------------------

// One call per iteration, from a host's coroutine.
template <class Call>
troupe::task<> each_iteration(benchmark::State& state, Call call) {
  for ([[maybe_unused]] auto _ : state) {
    const auto value = co_await call();
    benchmark::DoNotOptimize(value);
  }
}

template <class Call>
void from_coroutine(benchmark::State& state, troupe::runtime& runtime, Call call) {
  runtime.run(each_iteration(state, call));
  state.SetItemsProcessed(state.iterations());
}

// A million actors take a second to make: once for all. Given back before the program's static objects go.
std::unique_ptr<tallies> all_million;

tallies& million() {
  if (all_million == nullptr) all_million = std::make_unique<tallies>(durability::ephemeral, 1'000'000);
  return *all_million;
}

template <class Run>
void with_tallies(benchmark::State& state, durability kind, Run run) {
  if (state.range(0) == 1'000'000) return run(million());
  tallies world{kind, static_cast<std::size_t>(state.range(0))};
  run(world);
}

template <durability Kind>
void plain(benchmark::State& state) {
  with_tallies(state, Kind, [&](tallies& world) {
    from_coroutine(state, world.runtime, [&] { return world.next().call<&tally::add>(1); });
  });
}

template <durability Kind>
void read(benchmark::State& state) {
  with_tallies(state, Kind, [&](tallies& world) {
    from_coroutine(state, world.runtime, [&] { return world.next().call<&tally::value>(); });
  });
}

void coroutine_action(benchmark::State& state) {
  with_tallies(state, durability::ephemeral, [&](tallies& world) {
    from_coroutine(state, world.runtime, [&] { return world.next().call<&tally::add_later>(1); });
  });
}

void blocking(benchmark::State& state) {
  tallies world{durability::ephemeral, 1};
  for (auto _ : state) benchmark::DoNotOptimize(world.next().call<&tally::add>(1).get());
  state.SetItemsProcessed(state.iterations());
}

// Keys out of a million, in the order in which they are asked for: each comes with the request, so to say.
template <class Key>
std::vector<Key> asked_for() {
  std::mt19937_64 random{42};
  std::vector<Key> keys;
  for (std::size_t i = 0; i != 65'536; ++i) keys.emplace_back(bench::key_of(random() % 1'000'000));
  return keys;
}

// A handle for each call: the key is hashed and looked up, and the actor's memory is cold.
void by_key(benchmark::State& state) {
  tallies& world = million();
  const auto keys = asked_for<troupe::key>();
  std::size_t at = 0;
  from_coroutine(state, world.runtime, [&] {
    return world.runtime.client().get<tally>(keys[++at % keys.size()]).call<&tally::add>(1);
  });
}

// -- calls between actors --------------------------------------------------------------------------------------------

struct player {
  std::int64_t hits = 0;
  troupe::transient<std::optional<troupe::handle<player>>> other;

  std::int64_t hit() { return ++hits; }

  /// Awaits the other's answer each time.
  troupe::task<std::int64_t> play(troupe::context<player>& c, std::string against, std::int64_t rounds) {
    const auto opponent = c.client().get_or_create<player>(against);
    std::int64_t last = 0;
    for (std::int64_t i = 0; i != rounds; ++i) last = co_await opponent.call<&player::hit>();
    co_return last;
  }

  /// Each posts to the other, and goes on when it hears from it.
  void meet(troupe::context<player>& c, std::string against) { *other = c.client().get_or_create<player>(against); }
  void rally(std::int64_t rounds, std::uint64_t finished) {
    if (rounds != 0) return (*other)->post<&player::rally>(rounds - 1, finished);
    reinterpret_cast<std::atomic<bool>*>(finished)->store(true);
    reinterpret_cast<std::atomic<bool>*>(finished)->notify_one();
  }

  using actor = troupe::actor<player, &player::hit, &player::play, &player::meet, &player::rally>;
};

struct table {
  table() : runtime{registry(), {}} {}
  static troupe::registry registry() {
    troupe::registry r;
    r.use<player>("player", bench::with(durability::ephemeral));
    return r;
  }
  troupe::runtime runtime;
  troupe::handle<player> a = runtime.client().get_or_create<player>("a");
  troupe::handle<player> b = runtime.client().get_or_create<player>("b");
};

constexpr std::int64_t rounds = 10'000;

void actor_to_actor(benchmark::State& state) {
  table t;
  for (auto _ : state) benchmark::DoNotOptimize(t.a.call<&player::play>("b", rounds).get());
  state.SetItemsProcessed(state.iterations() * rounds);
}

void ping_pong(benchmark::State& state) {
  table t;
  t.a.call<&player::meet>("b").get();
  t.b.call<&player::meet>("a").get();
  for (auto _ : state) {
    std::atomic<bool> finished{false};
    t.a.post<&player::rally>(2 * rounds, reinterpret_cast<std::uintptr_t>(&finished));
    finished.wait(false);
  }
  state.SetItemsProcessed(state.iterations() * rounds);
}

// -- calls that queue ------------------------------------------------------------------------------------------------

// One thread that also pumps: what a message costs that goes through the mailbox, without another core in it.
void posted(benchmark::State& state) {
  troupe::registry registry;
  registry.use<tally>("tally", bench::with(durability::ephemeral));
  const auto executor = std::make_shared<troupe::manual_executor>();
  troupe::runtime runtime{registry, {.executor = executor}};
  const auto h = runtime.client().get_or_create<tally>("a");
  h.call<&tally::value>().get();
  const auto count = state.range(0);
  for (auto _ : state) {
    for (std::int64_t i = 0; i != count; ++i) h.post<&tally::add>(1);
    runtime.poll();
  }
  state.SetItemsProcessed(state.iterations() * count);
}

// Calls that are kept from running on their caller's thread.
troupe::task<> together(benchmark::State& state, tallies& world) {
  const auto count = state.range(0);
  for ([[maybe_unused]] auto _ : state) {
    std::vector<troupe::call<tally, &tally::add>> calls;
    for (std::int64_t i = 0; i != count; ++i) calls.push_back(world.next().call<&tally::add>(1));
    const auto values = co_await troupe::when_all(std::move(calls));
    benchmark::DoNotOptimize(values.size());
  }
}

void when_all(benchmark::State& state) {
  tallies world{durability::ephemeral, static_cast<std::size_t>(state.range(1))};
  world.runtime.run(together(state, world));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

// Producers that wait for the consumer every `window` messages.
constexpr int window = 1024;

troupe::task<> produce(const troupe::handle<tally>& to, int windows) {
  for (int i = 0; i != windows; ++i) {
    for (int j = 1; j != window; ++j) to.post<&tally::add>(1);
    co_await to.call<&tally::add>(1);
  }
}

void fan_in(benchmark::State& state) {
  tallies world{durability::ephemeral, 1};
  const auto& h = world.handles[0];
  const auto producers = state.range(0);
  constexpr int windows = 16;
  const auto all = [&]() -> troupe::task<> {
    std::vector<troupe::task<>> each;
    for (std::int64_t i = 0; i != producers; ++i) each.push_back(produce(h, windows));
    co_await troupe::when_all(std::move(each));
  };
  for (auto _ : state) world.runtime.run(all());
  state.SetItemsProcessed(state.iterations() * producers * windows * window);
}

// Two coroutines, each on a thread of its own, call the same actor as fast as they can.
troupe::task<> hammer(const troupe::handle<tally>& h, std::int64_t times) {
  for (std::int64_t i = 0; i != times; ++i) co_await h.call<&tally::add>(1);
}

void contended(benchmark::State& state) {
  tallies world{durability::ephemeral, 1};
  const auto& h = world.handles[0];
  constexpr std::int64_t times = 20'000;
  const auto both = [&]() -> troupe::task<> { co_await troupe::when_all(hammer(h, times), hammer(h, times)); };
  for (auto _ : state) world.runtime.run(both());
  state.SetItemsProcessed(state.iterations() * 2 * times);
}

void contended_blocking(benchmark::State& state) {
  static std::unique_ptr<tallies> world;
  if (state.thread_index() == 0) world = std::make_unique<tallies>(durability::ephemeral, 1);
  for (auto _ : state) benchmark::DoNotOptimize(world->handles[0].call<&tally::add>(1).get());
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) world.reset();
}

void contended_mutex(benchmark::State& state) {
  static std::mutex mutex;
  static std::int64_t count = 0;
  for (auto _ : state) {
    const std::lock_guard lock{mutex};
    benchmark::DoNotOptimize(++count);
  }
  state.SetItemsProcessed(state.iterations());
}

// -- what the machine asks -------------------------------------------------------------------------------------------

void cas_pair(benchmark::State& state) {
  std::atomic<std::uintptr_t> word{0};
  benchmark::DoNotOptimize(word);
  for (auto _ : state) {
    std::uintptr_t idle = 0;
    std::uintptr_t held = 1;
    benchmark::DoNotOptimize(word.compare_exchange_strong(idle, 1, std::memory_order_acquire));
    benchmark::DoNotOptimize(word.compare_exchange_strong(held, 0, std::memory_order_release));
  }
  state.SetItemsProcessed(state.iterations());
}

// What posts do to a mailbox's line of memory, and nothing else: one counts itself in, and changes the word. With two
// threads, this is what the line can take.
void mailbox_line(benchmark::State& state) {
  static struct alignas(64) {
    std::atomic<std::uintptr_t> word{0};
    std::atomic<std::uint32_t> count{0};
  } line;
  for (auto _ : state) {
    benchmark::DoNotOptimize(line.count.fetch_add(1, std::memory_order_relaxed));
    auto before = line.word.load(std::memory_order_relaxed);
    while (!line.word.compare_exchange_weak(before, before + 1, std::memory_order_release, std::memory_order_relaxed)) {
    }
  }
  state.SetItemsProcessed(state.iterations());
}

void mutex_pair(benchmark::State& state) {
  std::mutex mutex;
  for (auto _ : state) {
    mutex.lock();
    benchmark::ClobberMemory();
    mutex.unlock();
  }
  state.SetItemsProcessed(state.iterations());
}

void malloc_free(benchmark::State& state) {
  for (auto _ : state) {
    void* const block = std::malloc(128);
    benchmark::DoNotOptimize(block);
    std::free(block);
  }
  state.SetItemsProcessed(state.iterations());
}

// What a look-up by key among a million waits for: no more than a map behind a lock, and an object to change.
void find_in_map(benchmark::State& state) {
  std::mutex mutex;
  std::unordered_map<std::string, std::unique_ptr<tally>> all;
  for (std::size_t i = 0; i != 1'000'000; ++i) all.emplace(bench::key_of(i), std::make_unique<tally>());
  const auto keys = asked_for<std::string>();
  std::size_t at = 0;
  for (auto _ : state) {
    const std::lock_guard lock{mutex};
    benchmark::DoNotOptimize(all.find(keys[++at % keys.size()])->second->add(1));
  }
  state.SetItemsProcessed(state.iterations());
}

// The memory alone that such a look-up waits for: an entry in a table, then what it leads to, taken by a locked
// instruction; a million of each, as large as ours. The next one begins when that is done.
void two_cold_lines(benchmark::State& state) {
  constexpr std::size_t count = 1'000'000;
  struct alignas(32) entry {
    std::uint32_t to;
  };
  struct object {
    std::atomic<std::uint64_t> word{0};
    std::array<std::byte, 200> rest{};
  };
  std::vector<entry> entries(count);
  for (std::uint32_t i = 0; i != count; ++i) entries[i].to = i;
  std::shuffle(entries.begin(), entries.end(), std::minstd_rand{1});
  std::vector<object> objects(count);
  std::size_t at = 0;
  for (auto _ : state) {
    auto& word = objects[entries[at].to].word;
    const auto was = word.exchange(1, std::memory_order_acquire);
    at = (at + 618'033 + was) % count;  // has no divisor in common with it
    word.store(0, std::memory_order_release);
  }
  state.SetItemsProcessed(state.iterations());
}

// The least that a coroutine can be: one recycled frame, symmetric transfer, no exceptions kept.
struct bare {
  struct promise_type {
    static inline thread_local void* spare = nullptr;
    static void* operator new(std::size_t size) {
      return spare != nullptr ? std::exchange(spare, nullptr) : ::operator new(size);
    }
    static void operator delete(void* frame) noexcept { spare = frame; }
    bare get_return_object() { return bare{std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    auto final_suspend() const noexcept {
      struct back {
        bool await_ready() const noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h) const noexcept {
          return h.promise().parent;
        }
        void await_resume() const noexcept {}
      };
      return back{};
    }
    void return_value(std::int64_t v) noexcept { value = v; }
    void unhandled_exception() noexcept { std::terminate(); }
    std::coroutine_handle<> parent = std::noop_coroutine();
    std::int64_t value = 0;
  };
  explicit bare(std::coroutine_handle<promise_type> h) noexcept : frame{h} {}
  bare(bare&& other) noexcept : frame{std::exchange(other.frame, nullptr)} {}
  ~bare() {
    if (frame) frame.destroy();
  }
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) const noexcept {
    frame.promise().parent = h;
    return frame;
  }
  std::int64_t await_resume() const noexcept { return frame.promise().value; }
  std::coroutine_handle<promise_type> frame;
};

[[gnu::noinline]] bare one_frame(std::int64_t v) { co_return v; }
[[gnu::noinline]] troupe::task<std::int64_t> one_task(std::int64_t v) { co_return v; }

// Driven by one of their own kind: a task takes care of more when it awaits what is not ours.
bare each_frame(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) {
    const auto value = co_await one_frame(1);
    benchmark::DoNotOptimize(value);
  }
  co_return 0;
}

void frames(benchmark::State& state) {
  const bare all = each_frame(state);
  all.frame.resume();
  state.SetItemsProcessed(state.iterations());
}

void tasks(benchmark::State& state) {
  troupe::registry nothing;
  troupe::runtime runtime{nothing};
  from_coroutine(state, runtime, [] { return one_task(1); });
}

void posts(benchmark::internal::Benchmark* b) { b->UseRealTime()->Arg(1)->Arg(128)->Arg(1024); }
void one(benchmark::internal::Benchmark* b) { b->UseRealTime()->Arg(1); }
void crowds(benchmark::internal::Benchmark* b) { b->UseRealTime()->Arg(1)->Arg(1'000)->Arg(1'000'000); }

}  // namespace

BENCHMARK(cas_pair)->Name("baseline/cas_pair")->UseRealTime();
BENCHMARK(mailbox_line)->Name("baseline/mailbox_line")->Threads(1)->Threads(2)->UseRealTime();
BENCHMARK(mutex_pair)->Name("baseline/mutex")->UseRealTime();
BENCHMARK(malloc_free)->Name("baseline/malloc_free")->UseRealTime();
BENCHMARK(find_in_map)->Name("baseline/map_of_a_million")->UseRealTime();
BENCHMARK(two_cold_lines)->Name("baseline/two_cold_lines")->UseRealTime();
BENCHMARK(frames)->Name("baseline/recycled_frame")->UseRealTime();
BENCHMARK(tasks)->Name("baseline/troupe_task")->UseRealTime();
BENCHMARK(contended_mutex)->Name("baseline/mutex_contended")->Threads(2)->UseRealTime();

BENCHMARK(plain<durability::ephemeral>)->Name("call/plain")->Apply(crowds);
BENCHMARK(read<durability::ephemeral>)->Name("call/const")->Apply(one);
BENCHMARK(coroutine_action)->Name("call/coroutine_action")->Apply(crowds);
BENCHMARK(blocking)->Name("call/from_thread")->UseRealTime();
BENCHMARK(plain<durability::relaxed>)->Name("call/relaxed_plain")->Apply(one);
BENCHMARK(read<durability::committed>)->Name("call/committed_const")->Apply(one);
BENCHMARK(by_key)->Name("call/by_key_of_a_million")->UseRealTime();
BENCHMARK(actor_to_actor)->Name("call/actor_to_actor")->UseRealTime();
BENCHMARK(ping_pong)->Name("queue/ping_pong")->UseRealTime();
BENCHMARK(posted)->Name("queue/post_and_run")->Apply(posts);
BENCHMARK(when_all)->Name("queue/when_all")->Args({256, 1})->Args({256, 256})->UseRealTime();
BENCHMARK(fan_in)->Name("queue/fan_in")->Arg(1)->Arg(2)->UseRealTime();
BENCHMARK(contended)->Name("queue/contended")->UseRealTime();
BENCHMARK(contended_blocking)->Name("queue/contended_threads")->Threads(2)->UseRealTime();

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  all_million.reset();
  benchmark::Shutdown();
}
