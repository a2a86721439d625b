// SPDX-License-Identifier: Apache-2.0
#include "committer.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include <troupe/core/error.hpp>

#include "../core/empty.hpp"
#include "../core/planted.hpp"
#include "../core/text_of.hpp"
#include "core.hpp"
#include "directory.hpp"
#include "observing.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

committer::committer(runtime_core& core, executor& exec, const runtime_options& options)
    : commit_ledger{core, exec, options, &open_}, retry_after_{options.commit_retry_min} {
  open_.job = &job_;
  request_.owner = this;
  request_.done = [](commit_request& r) noexcept { static_cast<request&>(r).owner->completed(); };
}

void committer::when_durable(epoch_number e, gate_node& n) noexcept {
  bool lost = false;
  {
    const std::lock_guard lock{open_.mutex};
    lost = open_.given_up;
    if (!lost && !is_durable(e)) {
      auto& list = gates_[e & 1];
      n.next_gate = list;
      list = &n;
      return;
    }
  }
  n.opened(n, !lost || is_durable(e));
}

void committer::forget(std::uint64_t message) {
  {
    const std::lock_guard lock{open_.mutex};
    if (open_.given_up) return;
    forgotten_.push_back(message);
    if (open_.running.exchange(true)) return;
  }
  executor_.post_blocking(job_);
}

epoch_number committer::newest() const noexcept {
  const std::lock_guard lock{open_.mutex};
  return open_.pending != nullptr || !forgotten_.empty() ? open_.number : open_.number - 1;
}

void committer::report(runtime_health& health) const {
  commit_ledger::report(health);
  const std::lock_guard lock{open_.mutex};
  health.backlog_actors = closing_actors_.load(std::memory_order_relaxed);
  for (const image* m = open_.pending; m != nullptr; m = m->next) ++health.backlog_actors;
}

// On the I/O lane. The steps of a commit follow one another here, each maybe after a wait.
void committer::step() noexcept {
  if (state_ == state::writing) return write();
  if (is_planted(planted::freeze_forgotten) && closing_ != nullptr) return collect();
  close_epoch();
}

void committer::write() noexcept {
  if (dead_) return fail_permanently();
  if (core_.observed_by() != nullptr) begun_at_ = executor_.now();
  core_.stored().commit(request_);
}

void committer::close_epoch() noexcept {
  {
    std::unique_lock lock{open_.mutex};
    if (dead_) {
      lock.unlock();
      return fail_permanently();
    }
    if (open_.pending == nullptr && forgotten_.empty()) {
      open_.running = false;
      lock.unlock();
      return core_.notify();
    }
    closing_ = std::exchange(open_.pending, nullptr);
    request_.undeliverable = std::exchange(forgotten_, {});
    closing_epoch_ = open_.number++;
  }
  // What other threads do before all are asked: the simulation has none, but this is where it would matter.
  if (is_planted(planted::freeze_forgotten) && closing_ != nullptr) return executor_.post_blocking(job_);
  collect();
}

// Takes every image that is encoded; asks the others' cells, on the spot where nobody runs them. One without rows is
// ready then. What rows say to the store is known when nobody can add to them any more.
void committer::collect() noexcept {
  asked_.store(1, std::memory_order_relaxed);  // ourselves: so that the answers cannot be complete before we are done
  request_.epoch = closing_epoch_;
  closing_bytes_ = 0;
  std::size_t actors = 0;
  image* unready = nullptr;
  while (closing_ != nullptr) {
    image& m = *std::exchange(closing_, closing_->next);
    ++actors;
    if (take(m) && !m.rows) {
      add_to_request(m);
    } else {
      m.next = std::exchange(unready, &m);
    }
  }
  closing_ = unready;
  closing_actors_.store(actors, std::memory_order_relaxed);
  if (last_arrived()) write();
}

// False if the image's cell has been asked for it.
bool committer::take(image& m) noexcept {
  m.stage.begin_look();  // whether it is encoded may be read only once it is ours
  if (m.encoded) {
    m.stage.take();
    return true;
  }
  asked_.fetch_add(1, std::memory_order_relaxed);
  cell& c = *m.owner;  // the image may be the holder's again once it is asked for
  m.stage.ask();
  c.kind().handlers.image_awaited(c);
  return false;
}

void committer::arrived(image&) noexcept {
  if (last_arrived()) executor_.post_blocking(job_);
}

// Whoever gets true goes on with the commit; nobody else touches it from here on.
bool committer::last_arrived() noexcept {
  if (asked_.fetch_sub(1, std::memory_order_acq_rel) != 1) return false;
  build();
  state_ = state::writing;
  return true;
}

void committer::build() {
  image* with_more = nullptr;
  while (closing_ != nullptr) {
    image& m = *std::exchange(closing_, closing_->next);
    add_to_request(m);
    if (m.rows || m.created) m.next = std::exchange(with_more, &m);
  }
  closing_ = with_more;
}

void committer::add_to_request(image& m) {
  closing_bytes_ += m.counted;
  add_to(request_, m, closing_epoch_, row_changes::company::all_actors);
}

void committer::completed() noexcept {
  if (core_.observed_by() != nullptr) {
    tell_of(request_, {.epoch = closing_epoch_,
                       .actors = closing_actors_.load(std::memory_order_relaxed),
                       .bytes = closing_bytes_,
                       .begun_at = begun_at_});
  }
  switch (request_.result) {
    case commit_request::outcome::committed: return succeeded();
    case commit_request::outcome::failed:
    case commit_request::outcome::refused:
    case commit_request::outcome::not_owner:
    case commit_request::outcome::unknown: return failed();
  }
}

void committer::succeeded() noexcept {
  failures_.store(0, std::memory_order_relaxed);
  retry_after_ = retry_min_;
  commits_.fetch_add(1, std::memory_order_relaxed);
  backlog_bytes_.fetch_sub(closing_bytes_, std::memory_order_relaxed);
  // Their holders leave them alone until then.
  for (image* m = std::exchange(closing_, nullptr); m != nullptr; m = m->next) let_go(*m);
  closing_actors_.store(0, std::memory_order_relaxed);
  empty(request_.writes);
  empty(request_.undeliverable);
  state_ = state::idle;
  gate_node* waiting = nullptr;
  const auto e = closing_epoch_;
  {
    const std::lock_guard lock{open_.mutex};
    seen_.durable.store(e, std::memory_order_release);
    waiting = std::exchange(gates_[e & 1], nullptr);
  }
  update_refusing();
  open(waiting, true);
  executor_.post_blocking(job_);
}

// Only a failure that may go away is tried again. A write-set that the store will never take cannot be left out: others
// of this epoch, and turns that have gone on since, may depend on it. Values that are known to be too large never come
// here: see `state_recorder::require_fewer_bytes`.
void committer::failed() noexcept {
  const bool for_good = request_.result != commit_request::outcome::failed;
  const std::string what = describe_failure();
  core_.report(request_.failure, what);
  // First the reason, so that a thread that sees the failure sees its reason.
  note_error(for_good ? fmt::format("{}: {}", what, text_of(request_.failure)) : text_of(request_.failure));
  failures_.fetch_add(1, std::memory_order_relaxed);
  if (is_planted(planted::failed_commit_forgotten)) request_.writes.clear();
  if (for_good) dead_ = true;
  if (dead_) return fail_permanently();
  update_refusing();
  executor_.arm(retry_, executor_.now() + retry_after_);
  retry_after_ = std::min(retry_after_ * 2, retry_max_);
  if (dead_ && executor_.cancel(retry_)) fail_permanently();  // given up just now
}

std::string committer::describe_failure() const {
  switch (request_.result) {
    case commit_request::outcome::refused: {
      std::string named = "it";
      if (const write_set* const w = request_.at_fault; w != nullptr) {
        named = "the changes of " + w->id.str();
        if (cell* const c = core_.cells().find(w->id); c != nullptr) {
          named = "the changes of " + c->name();
          c->release();
        }
      }
      return fmt::format("commit: the store will never take {}, the runtime stops", named);
    }
    case commit_request::outcome::not_owner: return "commit: the store has another owner, the runtime stops";
    case commit_request::outcome::unknown: return "commit: the outcome is unknown, the runtime stops";
    default: return "commit";
  }
}

void committer::abandon(std::string_view why) noexcept {
  bool under_way = false;
  {
    const std::lock_guard lock{open_.mutex};
    if (!dead_) note_error(why);
    dead_ = true;
    under_way = open_.running;
  }
  seen_.refusing.store(true, std::memory_order_relaxed);
  // A commit that is under way ends first, since the store looks at images of actors: whoever ends it, buries.
  if (!under_way || executor_.cancel(retry_)) fail_permanently();
}

void committer::fail_permanently() noexcept {
  seen_.refusing.store(true, std::memory_order_relaxed);
  std::array<gate_node*, 2> waiting{};
  {
    const std::lock_guard lock{open_.mutex};
    open_.given_up = true;
    open_.pending = nullptr;
    waiting = std::exchange(gates_, {});
  }
  for (gate_node* list : waiting) open(list, false);
  open_.running = false;
  core_.notify();
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
