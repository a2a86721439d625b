// The life of the part of a cell that only some actors need.

#include "side.hpp"

#include <utility>

#include <troupe/core/assert.hpp>

#include "core.hpp"
#include "wait_graph.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

cell_side::cell_side(cell& c)
    : owner{c},
      parts{c.type().parts.empty() ? nullptr : std::make_unique<part_list>(c, c.type())},
      wants{c},
      recorder{c, wants, parts.get()} {}

cell_side::~cell_side() = default;

// On the spot where nothing runs in the actor.
void cell_side::image_awaited(cell& c) noexcept {
  cell_side& side = *c.known_side();
  if (c.try_hold()) {
    side.recorder.freeze_asked();
    c.let_go();
  } else {
    side.wants.add(cell_wants::freeze);
  }
}

void cell_side::begin_life(const actor_record* record) {
  sleep_requested = destroy_requested = false;
  recorder.begin_life(record);
}

bool cell_side::end_life(unload_reason why) noexcept {
  recorder.end_life();
  if (parts) parts->unload(why);
  passing.reset();
  since.reset();
  last_failure = nullptr;
  return !heard_by && !parts && !run.restart && wants.none();
}

// --- the cell -------------------------------------------------------------------------------------------------------

void cell::make_side() { side_ = new cell_side{*this}; }
void cell::drop_side() noexcept { delete std::exchange(side_, nullptr); }

audience* cell::heard_by() const noexcept { return side_ != nullptr ? side_->heard_by.get() : nullptr; }

part_list& cell::parts() const noexcept { return *side_->parts; }
row_changes& cell::changes() { return side_->recorder.changes(); }

// Out of line, as all that follows from a failure.
[[gnu::cold]] void cell::note_failure(const std::exception_ptr& why) noexcept {
  if (live_) side().last_failure = why;
}

void cell::enter(phase p, invocation* holder) noexcept {
  TROUPE_ASSERT(may_follow(phase_, p), "an actor goes from phase to phase as the table of phases says");
  phase_ = p;
  if (holder != nullptr || side_) side().holder = holder;
  open_ = p == phase::awake && holder == nullptr && !(side_ && side_->destroy_requested);
}

void cell::readmit() noexcept {
  if (!side_) return;
  if (std::exchange(side_->in_wait_graph, false)) core().waits().forget(*this);
  side_->deferred.splice(std::move(incoming_));
  incoming_.splice(std::move(side_->deferred));
}

// --- waits ----------------------------------------------------------------------------------------------------------

bool quiet_wait::await_ready() const noexcept { return cell_.live()->running_count == 0; }

void quiet_wait::await_suspend(std::coroutine_handle<> h) noexcept {
  static_cast<void>(begin(h, &cell_.core().exec()));
  cell_.known_side()->passing->quiet = this;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
