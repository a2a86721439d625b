// SPDX-License-Identifier: Apache-2.0
// A million actors in one database: made, found, idle, asleep, woken together, opened again, and recovered after the
// process was killed while it wrote. One thread and a clock that stands still until it is moved, except for the process
// that is killed. Prints JSON in the manner of Google Benchmark.
//
//     million [ACTORS]

#include <charconv>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string_view>
#include <thread>

#include <sys/wait.h>

#include "durable.hpp"

namespace {

using bench::record;
using bench::seconds_since;
using bench::steady_clock;
using troupe::durability;
using namespace std::chrono_literals;

constexpr std::size_t state_bytes = 120;

// -- what is printed -------------------------------------------------------------------------------------------------

class figures {
 public:
  figures() { fmt::print("{{\"benchmarks\": ["); }
  ~figures() { fmt::print("]}}\n"); }
  figures(const figures&) = delete;
  figures& operator=(const figures&) = delete;

  void add(std::string_view name, double value) {
    fmt::print("{}\n{{\"run_type\": \"iteration\", \"run_name\": \"million/{}\", \"value\": {}}}",
               std::exchange(between_, ","), name, value);
    std::fflush(stdout);
  }

 private:
  const char* between_ = "";
};

// -- one thread ------------------------------------------------------------------------------------------------------

// A key costs its text; its owner keeps it, too.
std::vector<troupe::key> keys_of(std::size_t count) {
  std::vector<troupe::key> keys;
  keys.reserve(count);
  for (std::size_t i = 0; i != count; ++i) keys.emplace_back(bench::key_of(i));
  return keys;
}

class program {
 public:
  explicit program(const std::string& file, durability kind = durability::relaxed)
      : clock_{std::make_shared<troupe::manual_clock>()}, runtime{registry_of(kind), options(file)} {}

  void pass(std::chrono::nanoseconds time) {
    clock_->advance(time);
    settle();
  }
  void settle() {
    while (runtime.poll() != 0) {
    }
  }

 private:
  static troupe::registry registry_of(durability kind) {
    troupe::use_options how;
    how.options = troupe::options{.sleep_after = 30s, .durability = kind};
    troupe::registry registry;
    registry.use<record>("record", how);
    return registry;
  }
  troupe::runtime_options options(const std::string& file) const {
    troupe::runtime_options o;
    o.store = troupe::sqlite{file};
    o.executor = std::make_shared<troupe::manual_executor>(clock_, troupe::manual_executor::options{.io_thread = false});
    o.backlog_bytes_max = std::size_t{4} << 30;
    return o;
  }
  std::shared_ptr<troupe::manual_clock> clock_;

 public:
  troupe::runtime runtime;
};

std::int64_t allocated() { return bench::allocated_bytes() - sqlite3_memory_used(); }

// How many nanoseconds each of `count` takes.
template <class What>
double each_ns(std::size_t count, What what) {
  const auto start = steady_clock::now();
  what();
  return seconds_since(start) * 1e9 / static_cast<double>(count);
}

// What there is more of than before, without SQLite's cache, which has a bound of its own.
double bytes_each(std::size_t count, std::int64_t before) {
  return static_cast<double>(allocated() - before) / static_cast<double>(count);
}

template <auto Action>
troupe::task<> call_all(const std::vector<troupe::handle<record>>& handles) {
  for (const auto& h : handles) {
    co_await h.call<Action>();
  }
}

troupe::task<> make_all(const troupe::client& client, const std::vector<troupe::key>& keys,
                        std::vector<troupe::handle<record>>& handles) {
  for (const auto& key : keys) {
    handles.push_back(client.get_or_create<record>(key));
    co_await handles.back().call<&record::write>();
  }
}

// As requests would bring them: one behind the other.
std::vector<troupe::key> in_random_order(const std::vector<troupe::key>& keys) {
  std::mt19937_64 random{42};
  std::vector<troupe::key> asked_for;
  asked_for.reserve(keys.size());
  for (std::size_t i = 0; i != keys.size(); ++i) asked_for.push_back(keys[random() % keys.size()]);
  return asked_for;
}

troupe::task<> find_all(const troupe::client& client, const std::vector<troupe::key>& keys) {
  for (const auto& key : keys) {
    co_await client.get<record>(key).call<&record::read>();
  }
}

void fall_asleep(program& p) {
  for (int i = 0; i != 60 && p.runtime.health().awake != 0; ++i) p.pass(1s);
  if (p.runtime.health().awake != 0) throw std::runtime_error{"somebody does not sleep"};
}

void live(figures& out, const std::string& file, const std::vector<troupe::key>& keys) {
  const auto count = keys.size();
  program p{file};
  std::vector<troupe::handle<record>> handles;
  handles.reserve(count);
  const auto& client = p.runtime.client();
  const auto before = allocated();
  const auto resident_before = bench::resident_bytes();
  out.add("make", each_ns(count, [&] { p.runtime.run(make_all(client, keys, handles)); }));
  out.add("first_save", each_ns(count, [&] { p.pass(2s); }));
  out.add("bytes_awake", bytes_each(count, before));
  out.add("resident_bytes_awake",
          static_cast<double>(bench::resident_bytes() - resident_before) / static_cast<double>(count));
  {
    const auto asked_for = in_random_order(keys);
    out.add("find", each_ns(count, [&] { p.runtime.run(find_all(client, asked_for)); }));
  }
  constexpr std::size_t ticks = 500;
  out.add("tick", each_ns(ticks, [&] {
            for (std::size_t i = 0; i != ticks; ++i) p.pass(10ms);
          }));
  out.add("sleep", each_ns(count, [&] { fall_asleep(p); }));
  out.add("bytes_asleep", bytes_each(count, before));
  out.add("wake", each_ns(count, [&] { p.runtime.run(call_all<&record::read>(handles)); }));
  fall_asleep(p);
  handles.clear();
  p.settle();
  out.add("bytes_not_held", bytes_each(count, before));
}

double file_bytes(const std::string& file) {
  double sum = 0;
  for (const auto& entry : std::filesystem::directory_iterator{std::filesystem::path{file}.parent_path()}) {
    sum += static_cast<double>(entry.file_size());
  }
  return sum;
}

// Until the first call of one that is there has its answer.
double open_ms(const std::string& file, const std::vector<troupe::key>& keys) {
  const auto start = steady_clock::now();
  program p{file};
  p.runtime.run(p.runtime.client().get<record>(keys[keys.size() / 2]).call<&record::read>());
  return seconds_since(start) * 1e3;
}

// -- the process that is killed --------------------------------------------------------------------------------------

// Writers of all actors, each of its share, as fast as the disk lets them.
troupe::task<> write_share(const troupe::client& client, std::size_t first, std::size_t step, std::size_t count,
                           std::atomic<std::size_t>& written) {
  for (std::size_t i = first; i < count; i += step) {
    co_await client.get<record>(bench::key_of(i)).call<&record::write>();
    ++written;
  }
}

// Says so when half of them are written, and goes on.
int write_until_killed(const std::string& file, std::size_t count) {
  troupe::registry registry;
  registry.use<record>("record", bench::with(durability::committed));
  troupe::runtime runtime{registry, {.store = troupe::sqlite{file}}};
  std::atomic<std::size_t> written{0};
  constexpr std::size_t writers = 4096;
  for (std::size_t i = 0; i != writers; ++i) {
    runtime.spawn(write_share(runtime.client(), i, writers, count, written));
  }
  while (written.load() < count / 2) std::this_thread::sleep_for(1ms);
  fmt::print("{}\n", written.load());
  std::fflush(stdout);
  for (;;) ::pause();
}

void kill_while_it_writes(const char* program, const std::string& file, std::size_t count) {
  int pipe[2];
  if (::pipe(pipe) != 0) throw std::runtime_error{"pipe"};
  const auto child = ::fork();
  if (child == 0) {
    ::dup2(pipe[1], STDOUT_FILENO);
    ::close(pipe[0]);
    ::execl("/proc/self/exe", program, "--write", file.c_str(), std::to_string(count).c_str(), nullptr);
    ::_exit(127);
  }
  ::close(pipe[1]);
  char said = 0;
  const bool ready = ::read(pipe[0], &said, 1) == 1;
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(pipe[0]);
  if (!ready) throw std::runtime_error{"the writing process ended by itself"};
}

std::size_t number(const char* text) {
  std::size_t value = 0;
  const std::string_view digits{text};
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && argv[1] == std::string_view{"--write"}) return write_until_killed(argv[2], number(argv[3]));
  const std::size_t count = argc > 1 ? number(argv[1]) : 1'000'000;
  const bench::directory where;
  const std::string file = where.file("app.db");
  const auto keys = keys_of(count);
  figures out;
  live(out, file, keys);
  out.add("bytes_on_disk_over_state", file_bytes(file) / static_cast<double>(count) - double{state_bytes});
  out.add("open_ms", open_ms(file, keys));
  kill_while_it_writes(argv[0], file, count);
  out.add("bytes_on_disk_when_killed", file_bytes(file) / static_cast<double>(count));
  out.add("recovery_ms", open_ms(file, keys));
}
