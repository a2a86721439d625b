// SPDX-License-Identifier: Apache-2.0
#include "simulated_store.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <utility>

#include <troupe/core/error.hpp>

namespace troupe {
inline namespace v0 {
namespace testing::detail {
namespace {

// What a commit takes, if it is not slow.
constexpr std::chrono::milliseconds commit_max{3};

// Passes a request on, to have the answer back.
struct inner_commit final : commit_request {
  explicit inner_commit(commit_request& r) : outer{r} {
    epoch = r.epoch;
    writes.swap(r.writes);
    undeliverable.swap(r.undeliverable);
    done = [](commit_request& answered) noexcept { static_cast<inner_commit&>(answered).has_answer = true; };
  }
  ~inner_commit() {
    outer.writes.swap(writes);
    outer.undeliverable.swap(undeliverable);
    outer.result = result;
    outer.failure = failure;
    outer.at_fault = at_fault;  // the write-sets have gone back where they were
  }
  inner_commit(const inner_commit&) = delete;
  inner_commit& operator=(const inner_commit&) = delete;

  commit_request& outer;
  bool has_answer = false;
};

void require(bool has_answer) noexcept {
  if (has_answer) return;
  std::fputs("troupe: a store in a simulation must answer before its function returns\n", stderr);
  std::abort();
}

std::exception_ptr open_outcome() {
  return std::make_exception_ptr(error(errc::store_unavailable, "the simulated process has died"));
}

}  // namespace

simulated_store::held_back::held_back(simulated_store& s, std::function<void()> answer_it,
                                      std::function<void()> sever_it)
    : timer{[](timer& t) noexcept {
        auto& self = static_cast<held_back&>(t);
        self.owner.exec_.post_blocking(self);
      }},
      work{[](work& w) noexcept {
        auto& held = static_cast<held_back&>(w).owner.held_;
        const auto at = std::ranges::find_if(held, [&](const auto& each) { return each.get() == &w; });
        const auto self = std::move(*at);
        held.erase(at);
        self->owner.severed_ ? self->sever() : self->answer();
      }},
      owner{s},
      answer{std::move(answer_it)},
      sever{std::move(sever_it)} {}

simulated_store::simulated_store(std::unique_ptr<store> inner, simulated_world& world, simulated_executor& exec,
                                 commit_cut cut)
    : inner_{std::move(inner)}, world_{world}, exec_{exec}, cut_{cut} {}

simulated_store::~simulated_store() = default;

void simulated_store::hold_back(std::chrono::nanoseconds by, std::function<void()> answer,
                                std::function<void()> sever) noexcept {
  auto& held = held_.emplace_back(std::make_unique<held_back>(*this, std::move(answer), std::move(sever)));
  exec_.arm(*held, exec_.now() + by);
}

// --- reading --------------------------------------------------------------------------------------------------------

template <class Request>
void simulated_store::read(Request& request, void (store::*how)(Request&)) noexcept {
  request.found = {};
  request.failure = nullptr;
  const auto refuse = [&request](std::exception_ptr why) {
    request.failure = std::move(why);
    request.done(request);
  };
  if (severed_) return refuse(open_outcome());
  if (world_.happens(world_.faults.load_fails, world_.times.load_fails)) {
    world_.log.note("a read fails");
    return refuse(std::make_exception_ptr(error(errc::store_failed, "a fault of the simulation")));
  }
  if (!world_.happens(world_.faults.slow_load, world_.times.slow_load)) return ((*inner_).*how)(request);
  hold_back(
      world_.random.up_to(world_.faults.slow_load_max), [this, &request, how] { ((*inner_).*how)(request); },
      [refuse] { refuse(open_outcome()); });
}

void simulated_store::load(load_request& request) noexcept { read(request, &store::load); }
void simulated_store::list(list_request& request) noexcept { read(request, &store::list); }
void simulated_store::list_outgoing(outgoing_request& request) noexcept { read(request, &store::list_outgoing); }
void simulated_store::list_waiting(waiting_request& request) noexcept { read(request, &store::list_waiting); }
void simulated_store::list_parts(parts_request& request) noexcept { read(request, &store::list_parts); }
void simulated_store::list_due(due_request& request) noexcept { read(request, &store::list_due); }

// --- commits --------------------------------------------------------------------------------------------------------

void simulated_store::note(const commit_request& request) noexcept {
  auto& log = world_.log;
  log.note("commit of epoch", request.epoch);
  for (const auto& write : request.writes) {
    log.add(static_cast<std::uint64_t>(write.what));
    log.add(write.id.bytes());
    log.add(write.state);
    if (write.labels != nullptr) {
      for (const auto& [name, value] : *write.labels) {
        log.add(std::as_bytes(std::span{name}));
        log.add(std::as_bytes(std::span{value}));
      }
    }
    for (const auto& m : write.messages) {
      log.add(m.id);
      log.add(m.attempts);
      log.add(m.body);
    }
    for (const auto id : write.removed) log.add(id);
    for (const auto& m : write.sent) log.add(m.id);
    for (const auto id : write.arrived) log.add(id);
    for (const auto& part : write.parts) {
      log.add(part.collection);
      log.add(part.key);
      if (part.value) log.add(*part.value);
      if (part.due) log.add(static_cast<std::uint64_t>(part.due->time_since_epoch().count()));
    }
  }
}

std::chrono::nanoseconds simulated_store::commit_time() noexcept {
  const auto& f = world_.faults;
  if (world_.calm) return std::chrono::nanoseconds{0};
  const bool slow = world_.happens(f.slow_commit, world_.times.slow_commit);
  return world_.random.up_to(slow ? f.slow_commit_max : commit_max);
}

void simulated_store::fail(commit_request& request) noexcept {
  request.result = commit_request::outcome::failed;
  const bool full = world_.random.chance(0.5);
  request.failure = std::make_exception_ptr(
      error(full ? errc::store_full : errc::store_failed, "a fault of the simulation"));
  request.done(request);
}

// Whether the outcome of the commit is one that is not tried again.
bool simulated_store::loses(commit_request& request, const std::function<void()>& leave_open) noexcept {
  const auto& f = world_.faults;
  const auto answer = [&](commit_request::outcome result, errc code, const char* text) {
    const auto give = [&request, result, code, text] {
      request.result = result;
      request.failure = std::make_exception_ptr(error(code, text));
      request.done(request);
    };
    hold_back(commit_time(), give, leave_open);
    return true;
  };
  if (world_.happens(f.commit_unknown, world_.times.commit_unknown)) {
    const bool stored = world_.random.chance(0.5);
    world_.log.note("a commit has no known outcome, stored:", stored ? 1 : 0);
    if (stored && !commit_now(request)) return true;
    return answer(commit_request::outcome::unknown, errc::store_unavailable, "a fault of the simulation");
  }
  if (cut_ == commit_cut::whole_store || request.writes.empty()) return false;
  if (!world_.happens(f.actor_taken, world_.times.actor_taken)) return false;
  world_.log.note("an actor has had another owner");
  return answer(commit_request::outcome::not_owner, errc::store_failed, "the actor has had another owner meanwhile");
}

// False if the process died meanwhile.
bool simulated_store::commit_now(commit_request& request) noexcept {
  if (before_write) before_write();
  {
    inner_commit mine{request};
    inner_->commit(mine);
    require(mine.has_answer);
  }
  if (!died_in_write || !died_in_write()) return true;
  die_in(request);
  return false;
}

void simulated_store::die_in(commit_request& request) noexcept {
  world_.crash_wanted = true;
  dead_commits_.push_back(&request);
}

void simulated_store::commit(commit_request& request) noexcept {
  const auto& f = world_.faults;
  auto& times = world_.times;
  const auto leave_open = [this, &request] {
    world_.log.note("the process died in the commit of epoch", request.epoch);
    request.result = commit_request::outcome::unknown;
    request.failure = open_outcome();
    request.done(request);
  };
  if (severed_) return leave_open();
  note(request);
  if (std::exchange(world_.crash_before_commit, false) ||
      world_.happens(f.crash_before_commit, times.crash_before_commit)) {
    return die_in(request);
  }
  const auto now = world_.clock->now().time_since_epoch();
  if (world_.happens(f.commit_fails, times.commit_fails)) {
    const auto most = std::chrono::nanoseconds::max() - now;
    world_.commits_fail_until = now + std::min(f.commit_fails_for, most);
    world_.log.note("commits fail for ns", static_cast<std::uint64_t>(f.commit_fails_for.count()));
    return hold_back(commit_time(), [this, &request] { fail(request); }, leave_open);
  }
  if (!world_.calm && now < world_.commits_fail_until) {
    return hold_back(commit_time(), [this, &request] { fail(request); }, leave_open);
  }
  if (std::exchange(world_.crash_after_commit, false) ||
      world_.happens(f.crash_after_commit, times.crash_after_commit)) {
    if (commit_now(request)) die_in(request);
    return;
  }
  if (loses(request, leave_open)) return;
  // If the process dies meanwhile, it may be stored already, or not yet.
  const bool stored_first = world_.random.chance(0.5);
  if (stored_first && !commit_now(request)) return;
  hold_back(
      commit_time(),
      [this, &request, stored_first] {
        if (stored_first || commit_now(request)) request.done(request);
      },
      leave_open);
}

void simulated_store::sever() noexcept {
  severed_ = true;
  for (commit_request* const request : std::exchange(dead_commits_, {})) {
    request->result = commit_request::outcome::unknown;
    request->failure = open_outcome();
    request->done(*request);
  }
  // Those whose time has come are posted already, and find out when they run.
  std::vector<std::unique_ptr<held_back>> waiting;
  for (auto& each : held_) {
    if (exec_.cancel(*each)) waiting.push_back(std::move(each));
  }
  std::erase(held_, nullptr);
  for (const auto& each : waiting) each->sever();
}

void simulated_store::close() noexcept { inner_->close(); }

}  // namespace testing::detail
}  // namespace v0
}  // namespace troupe
