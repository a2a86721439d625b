// SPDX-License-Identifier: Apache-2.0
// The life of the part of a cell that only some actors need.

#include "cell_extension.hpp"

#include <utility>

#include <troupe/core/assert.hpp>

#include "core.hpp"
#include "wait_graph.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

cell_extension::cell_extension(cell& c)
    : owner{c},
      parts{c.type().parts.empty() ? nullptr : std::make_unique<part_list>(c, c.type())},
      signals{c},
      recorder{c, signals, parts.get()} {}

cell_extension::~cell_extension() = default;

// On the spot where nothing runs in the actor.
void cell_extension::image_awaited(cell& c) noexcept {
  cell_extension& extension = *c.known_extension();
  if (c.try_lock()) {
    extension.recorder.freeze_asked();
    c.unlock();
  } else {
    extension.signals.raise(pending_signals::freeze);
  }
}

void cell_extension::begin_life(const actor_record* record) {
  sleep_requested = destroy_requested = false;
  recorder.begin_life(record);
}

bool cell_extension::end_life(unload_reason why) noexcept {
  recorder.end_life();
  if (parts) parts->unload(why);
  underway.reset();
  since.reset();
  last_failure = nullptr;
  return !hub && !parts && !run.restart && signals.none();
}

// --- the cell -------------------------------------------------------------------------------------------------------

void cell::make_extension() { extension_ = new cell_extension{*this}; }
void cell::drop_extension() noexcept { delete std::exchange(extension_, nullptr); }

subscription_hub* cell::hub() const noexcept { return extension_ != nullptr ? extension_->hub.get() : nullptr; }

part_list& cell::parts() const noexcept { return *extension_->parts; }
row_changes& cell::changes() { return extension_->recorder.changes(); }

// Out of line, as all that follows from a failure.
[[gnu::cold]] void cell::note_failure(const std::exception_ptr& why) noexcept {
  if (live_) extension().last_failure = why;
}

void cell::enter(phase p, invocation* holder) noexcept {
  TROUPE_ASSERT(may_follow(phase_, p), "an actor goes from phase to phase as the table of phases says");
  phase_ = p;
  if (holder != nullptr || extension_) extension().holder = holder;
  open_ = p == phase::awake && holder == nullptr && !(extension_ && extension_->destroy_requested);
}

void cell::readmit() noexcept {
  if (!extension_) return;
  if (std::exchange(extension_->in_wait_graph, false)) core().waits().forget(*this);
  extension_->deferred.splice(std::move(incoming_));
  incoming_.splice(std::move(extension_->deferred));
}

// --- waits ----------------------------------------------------------------------------------------------------------

bool quiet_wait::await_ready() const noexcept { return cell_.live()->running_count == 0; }

void quiet_wait::await_suspend(std::coroutine_handle<> h) noexcept {
  static_cast<void>(begin(h, &cell_.core().exec()));
  cell_.known_extension()->underway->quiet = this;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
