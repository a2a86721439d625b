// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <troupe/core/executor.hpp>
#include <troupe/core/fiber.hpp>

#include "fork_watch.hpp"
#include "io_lane.hpp"
#include "usable_cores.hpp"
#include "work_queue.hpp"

namespace troupe {
inline namespace v0 {
namespace {

class spin_lock {
 public:
  void lock() noexcept {
    while (held_.exchange(true, std::memory_order_acquire)) {
      for (int i = 0; held_.load(std::memory_order_relaxed); ++i) {
        if (i > 64) std::this_thread::yield();  // the holder may have been preempted
      }
    }
  }
  void unlock() noexcept { held_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> held_{false};
};

// A worker that finds nothing looks at the queues of the others this often before it parks: at so many of them in all,
// so that many workers take no longer to fall asleep than few.
constexpr std::size_t searches_before_parking_max = 256;
constexpr std::size_t searches_before_parking_min = 4;
constexpr std::size_t queues_searched = 4096;

// Every so many pieces of work others' work goes first, what has given way, and the oldest: or a worker that feeds
// itself would starve them. A tree is walked in depth all the same.
constexpr unsigned others_interval = 32;
constexpr unsigned oldest_interval = 128;
constexpr std::size_t steal_max = 64;

// While some workers are busy and others are parked, one of the parked ones looks round this often: work that waits
// behind a long computation is picked up within two rounds, although no worker was woken for it.
constexpr std::chrono::milliseconds look_round{1};

}  // namespace

struct thread_pool::impl {
  // For everybody who is no worker, and for what does not fit into a worker's own queue.
  struct alignas(64) shared_queue {
    spin_lock lock;
    work_list list;
    std::atomic<std::size_t> size{0};

    void push(work& w) noexcept {
      const std::lock_guard guard{lock};
      list.push_back(w);
      size.store(size.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
    void push(work_list&& more, std::size_t count) noexcept {
      const std::lock_guard guard{lock};
      list.splice(std::move(more));
      size.store(size.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
    }
    // The older half of what is here.
    work_list take() noexcept {
      work_list taken;
      if (size.load(std::memory_order_relaxed) == 0) return taken;
      const std::lock_guard guard{lock};
      const auto n = size.load(std::memory_order_relaxed);
      const auto count = std::min((n + 1) / 2, steal_max);
      for (std::size_t i = 0; i < count; ++i) taken.push_back(*list.pop_front());
      size.store(n - count, std::memory_order_relaxed);
      return taken;
    }
  };

  // What its work leads to comes next, the newest first: that is still in the caches, and a tree of work is walked in
  // depth, with few branches begun at a time. What has had its share of the thread comes later, the oldest first.
  struct worker {
    detail::work_queue next;
    detail::work_queue later;
    impl* pool = nullptr;
    std::size_t index = 0;

    // Both under `park_mutex`. Its own condition: one that several wait for may lose a wake-up (glibc bug 25847, mended
    // in glibc 2.41), and we choose who wakes.
    bool is_parked = false;
    std::condition_variable called;

    [[nodiscard]] bool has_spare() const noexcept {
      return next.has_spare() || later.has_spare() || (next.size() != 0 && later.size() != 0);
    }
    [[nodiscard]] work* take() noexcept {
      work* const w = next.take();
      return w != nullptr ? w : later.take();
    }
    [[nodiscard]] work* take_lingerer() noexcept {
      return next.has_lingerer() ? next.take() : later.has_lingerer() ? later.take() : nullptr;
    }
  };

  explicit impl(thread_pool& self, unsigned threads)
      : owner{self},
        workers(threads),
        searches{std::clamp(queues_searched / threads, searches_before_parking_min, searches_before_parking_max)} {
    parking.reserve(workers.size());
    for (std::size_t i = 0; i < workers.size(); ++i) {
      workers[i] = std::make_unique<worker>();
      workers[i]->pool = this;
      workers[i]->index = i;
    }
    try {
      for (auto& w : workers) this->threads.emplace_back([this, &w] { loop(*w); });
    } catch (...) {
      stop();  // the system has no more threads to give
      throw;
    }
  }

  static worker*& here() noexcept {
    [[gnu::tls_model("initial-exec")]] static constinit thread_local worker* current = nullptr;
    return current;
  }
  worker* mine() const noexcept {
    worker* const w = here();
    return w != nullptr && w->pool == this ? w : nullptr;
  }

  void post(work& w) noexcept {
    if (worker* const me = mine(); me != nullptr) {
      tell_others(keep(me->next, w) + me->later.size());
      return;
    }
    injected.push(w);
    wake_one();
  }

  void post_behind(work& w) noexcept {
    worker* const me = mine();
    if (me == nullptr) return post(w);
    tell_others(keep(me->later, w) + me->next.size());
  }

  // Its worker comes to one item itself, as soon as it is done with the present one. If that takes long, one who looks
  // round comes for it: see `search`.
  void tell_others(std::size_t waiting) noexcept {
    if (waiting > 1) wake_another();
  }

  void offer(work& w) noexcept {
    worker* const me = mine();
    if (me == nullptr) return post(w);
    keep(me->next, w);
    me->next.mark_waiting();
    wake_another();
  }

  // How many are in the queue then.
  std::size_t keep(detail::work_queue& mine, work& w) noexcept {
    const auto count = mine.push(w);
    if (count == 0) [[unlikely]]
      injected.push(w);
    return count;
  }
  // For all of a list: the first comes first.
  void keep(detail::work_queue& mine, work_list&& list) noexcept {
    work_list reversed;
    while (work* const w = list.pop_front()) reversed.push_front(*w);
    while (work* const w = reversed.pop_front()) keep(mine, *w);
  }

  // For work that we come to ourselves if nobody else does, so it may be missed that somebody is just parking: as long
  // as we are busy that is for no longer than `look_round`.
  void wake_another() noexcept {
    if (parked.load(std::memory_order_relaxed) != 0) wake_one();
  }

  // Pairs with the fence in park(): either we see the parked worker, or it sees our work.
  void wake_one() noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (searching.load(std::memory_order_relaxed) != 0 || parked.load(std::memory_order_relaxed) == 0) return;
    worker* called = nullptr;
    {
      const std::lock_guard guard{park_mutex};
      if (parking.empty()) return;  // who has left looks for work before it parks again, and so finds ours
      // The newest, but the one that looks round only if there is no other: its place would have to be filled.
      const bool spares = parking.back() == looker && parking.size() > 1;
      called = spares ? *std::prev(parking.end(), 2) : parking.back();
      unpark(*called);
    }
    called->called.notify_one();
  }

  work* find(worker& me) noexcept {
    if (work* const w = me.next.pop(); w != nullptr) return w;
    if (work* const w = me.later.take(); w != nullptr) return w;
    if (work* const w = take_injected(me); w != nullptr) return w;
    for (std::size_t i = 1; i < workers.size(); ++i) {
      worker& other = *workers[(me.index + i) % workers.size()];
      if (!other.has_spare()) continue;
      if (work* const w = steal(me, other); w != nullptr) return w;
    }
    return nullptr;
  }
  work* find_lingering(worker& me) noexcept {
    for (const auto& other : workers) {
      if (other.get() == &me) continue;
      if (work* const w = other->take_lingerer(); w != nullptr) return w;
    }
    return nullptr;
  }

  // Both: the first to run, the others to keep.
  work* take_injected(worker& me) noexcept {
    work_list taken = injected.take();
    work* const first = taken.pop_front();
    keep(me.next, std::move(taken));
    return first;
  }
  work* steal(worker& me, worker& from) noexcept {
    work* const first = from.take();
    if (first == nullptr) return nullptr;
    work_list more;
    for (auto count = std::min(from.next.size() / 2, steal_max); count != 0; --count) {
      work* const w = from.next.take();
      if (w == nullptr) break;
      more.push_back(*w);
    }
    keep(me.next, std::move(more));
    return first;
  }

  [[nodiscard]] bool work_for_others() const noexcept {
    return injected.size.load(std::memory_order_relaxed) != 0 ||
           std::any_of(workers.begin(), workers.end(), [](const auto& w) { return w->has_spare(); });
  }

  bool expire_timers() noexcept {
    if (owner.timers_.next_look() == time_point::max()) return false;  // nobody needs to know the time
    const auto now = owner.now();
    return owner.timers_.due(now) && owner.timers_.expire(now) != 0;
  }

  void loop(worker& me) noexcept {
    here() = &me;
    auto& thread = detail::this_thread();
    thread.worker_of = &owner;
    const detail::working running{thread, owner};
    detail::make_known(thread);
    for (unsigned round = 0;; ++round) {
      work* w = nullptr;
      if (round % others_interval == 0) {
        expire_timers();
        w = take_injected(me);
      } else if (round % others_interval == 1) {
        w = me.later.take();
      } else if (round % oldest_interval == 2) {
        w = me.next.take();
      }
      if (work* const kept = std::exchange(thread.kept, nullptr); kept != nullptr) {
        const bool alone = w == nullptr && me.next.size() + me.later.size() == 0;
        alone ? static_cast<void>(w = kept) : post(*kept);  // if not, others see that something waits
      }
      if (w == nullptr) w = find(me);
      if (w == nullptr) w = search(me);
      if (w == nullptr) return;
      w->run(*w);
    }
  }

  // Looks for a while, then parks; null when the pool stops and nothing is left.
  //
  // As long as some workers are busy and others are not, one of the latter looks round, or searches: so each worker
  // that finds work sees to it that another does. When all are parked, one waits for the next timer, and the others for
  // nothing but a call: so the pool is idle, however many they are.
  work* search(worker& me) noexcept {
    std::size_t looks = searches;
    for (;;) {
      work* found = find_soon(me, looks);
      if (found == nullptr) {
        looks = park(me) ? searches : 1;
        if (stopping && !work_for_others()) return find(me);
        found = find_lingering(me);
      }
      if (found == nullptr) continue;
      // Sequentially consistent: if one who stops looking finds that we search still, we see that it has stopped.
      if (!looking_round.load(std::memory_order_seq_cst) || work_for_others()) wake_one();
      return found;
    }
  }
  work* find_soon(worker& me, std::size_t looks) noexcept {
    work* found = nullptr;
    searching.fetch_add(1, std::memory_order_relaxed);
    for (std::size_t i = 0; i < looks && found == nullptr; ++i) {
      if (i % 64 == 0) expire_timers();
      found = find(me);
    }
    searching.fetch_sub(1, std::memory_order_seq_cst);
    return found;
  }

  // Until it is called, it is time for a look, or the pool stops. False if it was time for a look.
  bool park(worker& me) noexcept {
    static_cast<void>(owner.timers_.next_deadline());  // puts it right; not under our lock, which timers take that fire
    std::unique_lock guard{park_mutex};
    parking.push_back(&me);
    me.is_parked = true;
    parked.fetch_add(1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    const bool waits = !work_for_others() && !stopping;
    if (waits) wait_until_called(me, guard);
    if (!me.is_parked) return true;
    unpark(me);
    return !waits;
  }

  // One parked worker looks round while others are busy; one waits for the next timer while none is. The one that looks
  // round parks anew when it has looked, so nobody else need keep the time.
  void wait_until_called(worker& me, std::unique_lock<std::mutex>& guard) {
    const auto called = [&] { return !me.is_parked || stopping; };
    if (looker != nullptr) return me.called.wait(guard, called);
    if (parking.size() < workers.size()) {
      looker = &me;
      looking_round.store(true, std::memory_order_seq_cst);
      me.called.wait_for(guard, look_round, called);
      return;
    }
    const auto deadline = owner.timers_.next_look();
    if (deadline == time_point::max() || (timekeeper != nullptr && timekeeper_wakes <= deadline)) {
      return me.called.wait(guard, called);
    }
    timekeeper = &me;
    timekeeper_wakes = deadline;
    me.called.wait_until(guard, deadline, called);
  }

  // With the lock held. Most often it is the newest.
  void unpark(worker& w) noexcept {
    const auto place = std::find(parking.rbegin(), parking.rend(), &w);
    parking.erase(std::next(place).base());
    w.is_parked = false;
    parked.fetch_sub(1, std::memory_order_relaxed);
    if (timekeeper == &w) timekeeper = nullptr;
    if (looker != &w) return;
    looker = nullptr;
    looking_round.store(false, std::memory_order_seq_cst);
  }

  void stop() noexcept {
    if (fork.in_child()) return;
    {
      const std::lock_guard guard{park_mutex};
      if (stopping) return;
      stopping = true;
    }
    for (auto& w : workers) w->called.notify_one();
    for (auto& t : threads) t.join();
    lane.stop();
  }

  thread_pool& owner;
  shared_queue injected;
  std::vector<std::unique_ptr<worker>> workers;
  const std::size_t searches;  // before a worker parks
  std::atomic<unsigned> searching{0};
  std::atomic<unsigned> parked{0};
  std::atomic<bool> looking_round{false};  // there is a looker
  std::mutex park_mutex;
  // Under it:
  std::vector<worker*> parking;   // those that are parked; the last to park is the first to be called
  worker* looker = nullptr;       // the one of them that looks round
  worker* timekeeper = nullptr;   // the one of them that waits for the next timer, when all are parked
  time_point timekeeper_wakes{};  // when it does
  std::atomic<bool> stopping{false};
  detail::io_lane lane{owner};
  std::vector<std::thread> threads;
  detail::fork_watch fork{[](void*) noexcept {}, nullptr};
};

thread_pool::thread_pool(unsigned threads)
    : executor{std::make_shared<system_clock>()},
      impl_{std::make_unique<impl>(*this, threads != 0 ? threads : detail::usable_cores())} {}

thread_pool::~thread_pool() {
  if (impl_->fork.in_child()) {
    detail::keep_for_ever(std::shared_ptr<impl>{std::move(impl_)});
  } else {
    stop();
  }
}

void thread_pool::post(work& w) noexcept { impl_->post(w); }

void thread_pool::post(work_list&& list) noexcept {
  const work* const first = list.front();
  if (first == nullptr) return;
  std::size_t count = 1;
  for (const work* w = first->next; w != first; w = w->next) ++count;
  impl_->injected.push(std::move(list), count);
  impl_->wake_one();
}

void thread_pool::post_behind(work& w) noexcept { impl_->post_behind(w); }
void thread_pool::offer(work& w) noexcept { impl_->offer(w); }

bool thread_pool::take_back(work& w) noexcept {
  auto* const me = impl_->mine();
  return me != nullptr && me->next.take_back(w);
}

void thread_pool::post_blocking(work& w) noexcept { impl_->lane.post(w); }
bool thread_pool::on_worker() const noexcept { return impl_->mine() != nullptr; }
void thread_pool::stop() noexcept { impl_->stop(); }

void thread_pool::arm(timer& t, time_point at) noexcept {
  // A parked worker may wait for a later one. A worker that arms a timer is busy: it looks at the time itself before it
  // parks, and one of the others looks round meanwhile.
  if (timers_.arm(t, at) && impl_->mine() == nullptr) impl_->wake_one();
}

}  // namespace v0
}  // namespace troupe
