// SPDX-License-Identifier: Apache-2.0
#include "commit_ledger.hpp"

#include <algorithm>
#include <utility>

#include <troupe/core/assert.hpp>

#include "core.hpp"
#include "observing.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

commit_ledger::commit_ledger(runtime_core& core, executor& exec, const runtime_options& options,
                             open_epoch* shared)
    : core_{core},
      executor_{exec},
      retry_min_{options.commit_retry_min},
      retry_max_{options.commit_retry_max},
      backlog_bytes_max_{static_cast<std::ptrdiff_t>(options.backlog_bytes_max)},
      shared_{shared} {}

epoch_number commit_ledger::add_image(cell&, image_maker) {
  TROUPE_ASSERT(false, "an image goes into the shared epoch, or into one of its actor's");
  return 0;
}

void commit_ledger::report(runtime_health& health) const {
  const std::lock_guard lock{error_mutex_};
  health.failures = failures_.load(std::memory_order_relaxed);
  health.store_ok = health.failures == 0 && !dead_;
  health.accepts_changes = !seen_.refusing.load(std::memory_order_relaxed);
  if (!health.store_ok || !health.accepts_changes) health.store_error = last_error_;
  health.backlog_bytes =
      static_cast<std::size_t>(std::max<std::ptrdiff_t>(backlog_bytes_.load(std::memory_order_relaxed), 0));
  health.commits = commits_.load(std::memory_order_relaxed);
}

void commit_ledger::add_to(commit_request& request, image& m, epoch_number epoch, row_changes::company who) {
  if (m.nothing && !(m.rows && m.rows->concerns_others(epoch))) return;
  write_set& w = request.writes.emplace_back();
  w.what = m.what;
  w.id = m.id;
  w.initialised = m.initialised;
  w.version = m.version;
  if (m.what != write_set::action::keep) w.state = m.state.view();
  if (m.rows) m.rows->show(w, epoch, who);
  if (m.what == write_set::action::create) w.created = m.created.get();
}

void commit_ledger::let_go(image& m) noexcept {
  m.rows.reset();
  m.created.reset();
}

void commit_ledger::tell_of(const commit_request& request, const told_commit& c) const {
  tell(core_, [&](observer& to) {
    using result = observer::commit::result;
    observer::commit told;
    told.epoch = c.epoch;
    told.actors = c.actors;
    told.bytes = static_cast<std::size_t>(std::max<std::ptrdiff_t>(c.bytes, 0));
    told.took = executor_.now() - c.begun_at;
    switch (request.result) {
      case commit_request::outcome::committed: told.outcome = result::committed; break;
      case commit_request::outcome::failed: told.outcome = result::failed; break;
      case commit_request::outcome::refused:
      case commit_request::outcome::not_owner:
      case commit_request::outcome::unknown: told.outcome = result::refused; break;
    }
    to.commit_ended(told);
  });
}

void commit_ledger::open(gate_node* list, bool durable) noexcept {
  const post_batch together{executor_};
  gate_node* ordered = nullptr;
  while (list != nullptr) {
    gate_node* const next = std::exchange(list->next_gate, ordered);
    ordered = std::exchange(list, next);
  }
  while (ordered != nullptr) {
    gate_node* const n = std::exchange(ordered, ordered->next_gate);
    n->opened(*n, durable);
  }
}

void commit_ledger::note_error(std::string_view text) noexcept {
  const std::lock_guard lock{error_mutex_};
  last_error_ = text;
}

// With a lock, so that what is stored last was looked at last. As long as nothing has failed there is nothing to store.
void commit_ledger::update_refusing() noexcept {
  if (failures_.load(std::memory_order_relaxed) == 0 && !seen_.refusing.load(std::memory_order_relaxed)) return;
  const std::lock_guard lock{error_mutex_};
  const bool failing = failures_.load(std::memory_order_relaxed) != 0;
  const bool is_full = backlog_bytes_.load(std::memory_order_relaxed) > backlog_bytes_max_;
  seen_.refusing.store(refuses_for_good_ || (failing && is_full), std::memory_order_relaxed);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
