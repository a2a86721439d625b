// SPDX-License-Identifier: Apache-2.0
#include "signal_handler.hpp"

#include <troupe/core/fiber.hpp>
#include <troupe/runtime/turn.hpp>

#include "cell_extension.hpp"
#include "cell_messages.hpp"
#include "hook_limits.hpp"
#include "stopping.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

// The actor asked for it in an earlier turn.
void end_requested(cell& c) noexcept {
  if (c.life().destroy_requested() || c.life().sleep_requested()) sleep_now(c);
}

// What the actor has in memory may be nowhere else.
void stop_lost(cell& c) noexcept {
  c.current_phase() == lifecycle::phase::stopping ? cut_short(c) : sleep_now(c);
}

void save(cell& c) noexcept {
  if (c.live() == nullptr) return;
  c.known_extension()->recorder.forget_save();
  turn t{c, nullptr, true, this_thread()};
  t.open();
  t.save_now();
  t.end();
  if (t.close()) [[unlikely]]
    look_at_mark(c, t.thread, nullptr, "save");
}

}  // namespace

void signalled(cell& c, std::uint8_t wanted) noexcept {
  if ((wanted & pending_signals::freeze) != 0) c.known_extension()->recorder.freeze_asked();
  if ((wanted & pending_signals::end) != 0) end_requested(c);
  if ((wanted & pending_signals::overdue) != 0) deadline_has_come(c);
  if ((wanted & pending_signals::save) != 0) save(c);
  if ((wanted & pending_signals::lost) != 0) stop_lost(c);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
