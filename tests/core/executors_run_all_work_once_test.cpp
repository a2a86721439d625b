// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/core/executor.hpp>

using namespace std::chrono_literals;

namespace {

template <class F>
class piece final : public troupe::work {
 public:
  explicit piece(F f) : work{&piece::go}, f_{std::move(f)} {}

 private:
  static void go(work& w) noexcept { static_cast<piece&>(w).f_(); }
  F f_;
};

template <class F>
class ringer final : public troupe::timer {
 public:
  explicit ringer(F f) : timer{&ringer::ring}, f_{std::move(f)} {}

 private:
  static void ring(timer& t) noexcept { static_cast<ringer&>(t).f_(); }
  F f_;
};

// Posts its two children, down to a depth, and counts itself.
struct node final : troupe::work {
  node(troupe::executor& e, std::atomic<int>& n, int d) noexcept : work{&node::go}, where{e}, count{n}, depth{d} {}
  static void go(work& w) noexcept {
    auto& self = static_cast<node&>(w);
    if (self.depth > 0) {
      self.where.post(*new node{self.where, self.count, self.depth - 1});
      self.where.post(*new node{self.where, self.count, self.depth - 1});
    }
    self.count.fetch_add(1);
    delete &self;
  }
  troupe::executor& where;
  std::atomic<int>& count;
  int depth;
};

struct manual {
  std::shared_ptr<troupe::manual_clock> clock = std::make_shared<troupe::manual_clock>();
  troupe::manual_executor executor{clock};
};

}  // namespace

TEST_CASE("a thread pool runs everything that was posted, from inside and outside, before it stops", "[core]") {
  const unsigned threads = GENERATE(1U, 2U, 4U);
  std::atomic<int> count{0};
  {
    troupe::thread_pool pool{threads};
    std::vector<std::thread> posters;
    for (int i = 0; i < 3; ++i) {
      posters.emplace_back([&] {
        for (int k = 0; k < 20; ++k) pool.post(*new node{pool, count, 7});
      });
    }
    for (auto& t : posters) t.join();
    pool.stop();
  }
  CHECK(count == 3 * 20 * 255);
}

TEST_CASE("a worker comes first to what was posted last, and to what has had its share after all else", "[core]") {
  troupe::thread_pool pool{1};
  constexpr int rounds = 64;
  int in_order = 0;
  for (int i = 0; i < rounds; ++i) {
    std::vector<int> order;
    std::promise<void> ended;
    const auto come = [&](int which) {
      order.push_back(which);
      if (order.size() == 4) ended.set_value();
    };
    piece gave_way{[&] { come(1); }};
    piece gave_way_too{[&] { come(2); }};
    piece first{[&] { come(3); }};
    piece last{[&] { come(4); }};
    piece all{[&] {
      pool.post_behind(gave_way);
      pool.post(first);
      pool.post_behind(gave_way_too);
      pool.post(last);
    }};
    pool.post(all);
    ended.get_future().wait();
    in_order += order == std::vector{4, 3, 1, 2};
  }
  CHECK(in_order >= rounds * 3 / 4);  // now and then what waits goes first
  pool.stop();
}

TEST_CASE("work that feeds itself starves nothing that was posted before it", "[core]") {
  const bool gives_way = GENERATE(false, true);
  troupe::thread_pool pool{1};
  std::atomic<int> waiting{3};
  std::promise<void> through;
  piece posted_first{[&] { --waiting; }};
  piece gave_way{[&] { --waiting; }};
  piece from_outside{[&] { --waiting; }};
  struct feeder final : troupe::work {
    feeder(troupe::executor& e, const std::atomic<int>& w, std::promise<void>& t, bool g) noexcept
        : work{&feeder::go}, where{e}, waiting{w}, through{t}, gives_way{g} {}
    static void go(work& w) noexcept {
      auto& self = static_cast<feeder&>(w);
      if (self.waiting == 0) return self.through.set_value();
      self.gives_way ? self.where.post_behind(w) : self.where.post(w);
    }
    troupe::executor& where;
    const std::atomic<int>& waiting;
    std::promise<void>& through;
    bool gives_way;
  } self_fed{pool, waiting, through, gives_way};
  piece all{[&] {
    pool.post(posted_first);
    pool.post_behind(gave_way);
    pool.post(self_fed);
  }};
  pool.post(all);
  pool.post(from_outside);
  CHECK(through.get_future().wait_for(30s) == std::future_status::ready);
  pool.stop();
}

TEST_CASE("a list of work is run whole", "[core]") {
  std::atomic<int> count{0};
  {
    troupe::thread_pool pool{2};
    troupe::work_list list;
    for (int i = 0; i < 100; ++i) list.push_back(*new node{pool, count, 0});
    pool.post(std::move(list));
  }
  CHECK(count == 100);
}

TEST_CASE("what is offered runs once, unless it is taken back", "[core]") {
  const unsigned threads = GENERATE(1U, 2U, 4U);
  constexpr int rounds = 20'000;
  std::atomic<int> ran{0};
  std::atomic<int> taken_back{0};
  {
    troupe::thread_pool pool{threads};
    struct offerer final : troupe::work {
      offerer(troupe::executor& e, std::atomic<int>& n, std::atomic<int>& b) noexcept
          : work{&offerer::go}, where{e}, count{n}, back{b} {}
      static void go(work& w) noexcept {
        auto& self = static_cast<offerer&>(w);
        piece offered{[&self] {
          self.count.fetch_add(1);
          self.done = true;
        }};
        for (int i = 0; i < rounds; ++i) {
          self.done = false;
          self.where.offer(offered);
          if (self.where.take_back(offered)) {
            self.back.fetch_add(1);
          } else {
            while (!self.done) std::this_thread::yield();
          }
        }
        self.ended.set_value();
      }
      troupe::executor& where;
      std::atomic<int>& count;
      std::atomic<int>& back;
      std::atomic<bool> done{false};
      std::promise<void> ended;
    } one{pool, ran, taken_back};
    pool.post(one);
    one.ended.get_future().wait();
    pool.stop();
  }
  CHECK(ran + taken_back == rounds);
}

TEST_CASE("work that waits behind a long computation is picked up by a pool that had fallen asleep", "[core]") {
  troupe::thread_pool pool{2};
  for (int i = 0; i < 10; ++i) {
    std::promise<void> behind;
    std::promise<void> through;
    auto picked_up = behind.get_future();
    auto ended = through.get_future();
    ended.wait_for(4ms);  // time to fall asleep; what it promises holds at any time
    piece waiting{[&] { behind.set_value(); }};
    piece computing{[&] {
      pool.post(waiting);
      picked_up.wait();
      through.set_value();
    }};
    pool.post(computing);
    REQUIRE(ended.wait_for(30s) == std::future_status::ready);
  }
  pool.stop();
}

TEST_CASE("work behind a long computation is picked up although who looked after it has got other work", "[core]") {
  for (int i = 0; i < 20; ++i) {
    troupe::thread_pool pool{3};
    std::promise<void> behind;
    auto awaited = behind.get_future();
    const std::shared_future<void> picked_up = awaited.share();
    std::latch begun{2};
    std::latch go{2};
    std::promise<void> posted;
    picked_up.wait_for(4ms);  // time for all to fall asleep; what it promises holds at any time
    piece waiting{[&] { behind.set_value(); }};
    piece computing{[&] {
      pool.post(waiting);
      posted.set_value();
      picked_up.wait();
    }};
    piece before{[&] {
      begun.arrive_and_wait();
      go.arrive_and_wait();
      pool.post(computing);
    }};
    std::promise<void> second_ran;
    piece second{[&] { second_ran.set_value(); }};
    piece third{[&] { picked_up.wait(); }};
    pool.post(before);
    begun.arrive_and_wait();
    pool.post(second);
    second_ran.get_future().wait();
    picked_up.wait_for(std::chrono::microseconds{300});  // time for one to look round
    go.arrive_and_wait();
    posted.get_future().wait();
    pool.post(third);
    REQUIRE(picked_up.wait_for(30s) == std::future_status::ready);
    pool.stop();
  }
}

TEST_CASE("work that waits behind a long computation is picked up", "[core]") {
  troupe::thread_pool pool{2};
  std::latch both{2};  // so that one worker has nothing left to do while the other is busy
  std::promise<void> behind;
  std::promise<void> through;
  auto picked_up = behind.get_future();
  piece waiting{[&] { behind.set_value(); }};
  piece computing{[&] {
    both.arrive_and_wait();
    pool.post(waiting);
    picked_up.wait();
    through.set_value();
  }};
  piece beside{[&] { both.arrive_and_wait(); }};
  pool.post(beside);
  pool.post(computing);
  CHECK(through.get_future().wait_for(30s) == std::future_status::ready);
  pool.stop();
}

TEST_CASE("more work than a worker's own queue holds is run as well", "[core]") {
  std::atomic<int> count{0};
  {
    troupe::thread_pool pool{2};
    piece many{[&] {
      for (int i = 0; i < 5000; ++i) pool.post(*new node{pool, count, 0});
    }};
    pool.post(many);
    while (count != 5000) std::this_thread::yield();
    pool.stop();
  }
  CHECK(count == 5000);
}

TEST_CASE("a pool knows its own threads, and nobody else's", "[core]") {
  troupe::thread_pool pool{2};
  troupe::thread_pool other{1};
  std::promise<bool> inside;
  std::promise<bool> elsewhere;
  piece look{[&] { inside.set_value(pool.on_worker()); }};
  piece look_elsewhere{[&] { elsewhere.set_value(pool.on_worker()); }};
  CHECK_FALSE(pool.on_worker());
  pool.post(look);
  other.post(look_elsewhere);
  CHECK(inside.get_future().get());
  CHECK_FALSE(elsewhere.get_future().get());
  CHECK_FALSE(pool.help(1s));
  pool.stop();
  other.stop();
}

TEST_CASE("blocking work runs in the order of posting, and beside the workers", "[core]") {
  troupe::thread_pool pool{1};
  std::vector<int> order;
  std::promise<void> go;
  std::promise<bool> done;
  piece first{[&] {
    go.get_future().wait();
    order.push_back(1);
  }};
  piece second{[&] {
    order.push_back(2);
    done.set_value(!pool.on_worker());
  }};
  piece release{[&] { go.set_value(); }};
  pool.post_blocking(first);
  pool.post_blocking(second);
  pool.post(release);
  CHECK(done.get_future().get());
  CHECK(order == std::vector<int>{1, 2});
  pool.stop();
}

TEST_CASE("a pool that has nothing to do still fires its timers, in order", "[core]") {
  troupe::thread_pool pool{2};
  std::mutex mutex;
  std::vector<int> order;
  std::promise<void> done;
  const auto ring = [&](int n) {
    const std::lock_guard lock{mutex};
    order.push_back(n);
    if (order.size() == 2) done.set_value();
  };
  ringer late{[&] { ring(2); }};
  ringer early{[&] { ring(1); }};
  ringer never{[&] { ring(3); }};
  const auto start = pool.now();
  pool.arm(late, start + 20ms);
  pool.arm(never, start + 5ms);
  pool.arm(early, start + 10ms);
  CHECK(pool.cancel(never));
  done.get_future().wait();
  CHECK(pool.now() >= start + 20ms);
  pool.stop();
  CHECK(order == std::vector<int>{1, 2});
}

TEST_CASE("a busy pool comes to its timers too", "[core]") {
  troupe::thread_pool pool{1};
  struct spinner final : troupe::work {
    explicit spinner(troupe::executor& e) noexcept : work{&spinner::go}, where{e} {}
    static void go(work& w) noexcept {
      auto& self = static_cast<spinner&>(w);
      if (self.stop.load()) return self.stopped.set_value();
      self.where.post(self);
    }
    troupe::executor& where;
    std::atomic<bool> stop{false};
    std::promise<void> stopped;
  } spin{pool};
  ringer t{[&] { spin.stop = true; }};
  pool.post(spin);
  pool.arm(t, pool.now() + 2ms);
  CHECK(spin.stopped.get_future().wait_for(30s) == std::future_status::ready);
  pool.stop();
}

TEST_CASE("a manual executor does nothing by itself", "[core]") {
  manual m;
  int ran = 0;
  piece one{[&] { ++ran; }};
  piece two{[&] { ++ran; }};
  m.executor.post(one);
  m.executor.post(two);
  CHECK(ran == 0);
  CHECK(m.executor.poll(1) == 1);
  CHECK(ran == 1);
  CHECK(m.executor.poll() == 1);
  CHECK(m.executor.poll() == 0);
}

TEST_CASE("a manual executor's timers follow its clock", "[core]") {
  manual m;
  int rings = 0;
  ringer t{[&] { ++rings; }};
  m.executor.arm(t, m.executor.now() + 1h);
  CHECK(m.executor.next_deadline() <= m.executor.now() + 1h + 1ms);
  m.clock->advance(1h - 1ns);
  m.executor.poll();
  CHECK(rings == 0);
  m.clock->advance(1ms);
  m.executor.poll();
  CHECK(rings == 1);
  CHECK(m.executor.next_deadline() == troupe::time_point::max());
}

TEST_CASE("pumping from within work does nothing, and only the pumping thread is a worker", "[core]") {
  manual m;
  int ran = 0;
  std::size_t nested = 99;
  bool inside = false;
  piece second{[&] { ++ran; }};
  piece first{[&] {
    inside = m.executor.on_worker();
    m.executor.post(second);
    nested = m.executor.poll();
  }};
  m.executor.post(first);
  CHECK_FALSE(m.executor.on_worker());
  m.executor.poll();
  CHECK(inside);
  CHECK(nested == 0);
  CHECK(ran == 1);
}

TEST_CASE("work may be posted from any thread while the host pumps", "[core]") {
  troupe::manual_executor executor;
  std::atomic<int> count{0};
  std::thread poster{[&] {
    for (int i = 0; i < 1000; ++i) executor.post(*new node{executor, count, 1});
  }};
  while (count < 3000) executor.poll_for(1ms);
  poster.join();
  CHECK(count == 3000);
}

TEST_CASE("a manual executor comes last to what has given way, but not never", "[core]") {
  troupe::manual_executor executor{std::make_shared<troupe::manual_clock>()};
  std::string order;
  piece behind{[&] { order += 'b'; }};
  piece second{[&] { order += '2'; }};
  piece first{[&] {
    order += '1';
    executor.post(second);
  }};
  executor.post_behind(behind);
  executor.post(first);
  CHECK(executor.poll() == 3);
  CHECK(order == "12b");

  order.clear();
  int left = 1000;
  std::function<void()> again;
  piece chain{[&] { again(); }};
  again = [&] {
    order += 'c';
    if (--left > 0) executor.post(chain);
  };
  executor.post(chain);
  executor.post_behind(behind);
  CHECK(executor.poll() == 1001);
  CHECK(order.find('b') <= 100);
}

TEST_CASE("without a thread of its own, blocking work waits for all that is ready, but not for ever", "[core]") {
  troupe::manual_executor executor{std::make_shared<troupe::manual_clock>(), {.io_thread = false}};
  int count = 0;
  int before_blocking = -1;
  piece block{[&] { before_blocking = count; }};
  int left = 100;
  std::function<void()> again;
  piece chain{[&] { again(); }};
  again = [&] {
    ++count;
    if (--left > 0) executor.post(chain);
  };
  executor.post_blocking(block);
  CHECK(executor.blocking());
  executor.post(chain);
  CHECK(executor.poll() == 101);
  CHECK(before_blocking == 100);
  CHECK_FALSE(executor.blocking());

  count = 0;
  left = 100'000;
  executor.post_blocking(block);
  executor.post(chain);
  while (executor.poll() != 0) {
  }
  CHECK(count == 100'000);
  CHECK(before_blocking <= 5'000);
}

TEST_CASE("blocking work of a manual executor has a thread of its own, unless the host says no", "[core]") {
  const bool own_thread = GENERATE(true, false);
  troupe::manual_executor::options how;
  how.io_thread = own_thread;
  troupe::manual_executor executor{std::make_shared<troupe::manual_clock>(), how};
  std::promise<std::thread::id> where;
  auto answer = where.get_future();
  piece block{[&] { where.set_value(std::this_thread::get_id()); }};
  executor.post_blocking(block);
  if (!own_thread) executor.poll();
  CHECK((answer.get() == std::this_thread::get_id()) != own_thread);
  executor.stop();
}
