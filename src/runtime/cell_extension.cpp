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
  // What the last life depended on is durable, or lost with it.
  if (owner.core().in_one_cut() == nullptr) owner.set_dependency(0);
  recorder.begin_life(record);
}

void cell_extension::refuse_deferred(const std::exception_ptr& why) noexcept {
  while (work* w = deferred.pop_front()) owner.core().refuse(*static_cast<invocation*>(w->context), why);
}

void cell_extension::await_end(invocation& inv) noexcept {
  TROUPE_ASSERT(!inv.put_off, "an invocation waits for one thing");
  inv.put_off = true;
  end_waiters.push_back(inv);
}

void cell_extension::answer_end(const std::exception_ptr& failure) noexcept {
  while (work* w = end_waiters.pop_front()) {
    auto& inv = static_cast<invocation&>(*w);
    inv.failure = failure;
    owner.core().deliver(inv);
  }
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

part_list& cell::parts() const noexcept { return *extension_->parts; }

// Out of line, as all that follows from a failure.
[[gnu::cold]] void note_failure(cell& c, const std::exception_ptr& why) noexcept {
  if (c.live() != nullptr) c.extension().last_failure = why;
}

void cell::set_holder(invocation* holder) noexcept {
  if (holder != nullptr || extension_ != nullptr) extension().holder = holder;
  life_.set_kept_out(holder != nullptr);
}

void cell::readmit() noexcept {
  if (!extension_) return;
  if (std::exchange(extension_->in_wait_graph, false)) core().waits().forget(*this);
  extension_->deferred.splice(std::move(incoming_));
  incoming_.splice(std::move(extension_->deferred));
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
