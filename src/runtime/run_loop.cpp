// SPDX-License-Identifier: Apache-2.0
#include "run_loop.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include <troupe/core/error.hpp>

#include "../core/planted.hpp"
#include "cell_extension.hpp"
#include "core.hpp"
#include "part_list.hpp"
#include "retry.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

run_loop::run_loop(cell& c) : coroutine_invocation{c.core().exec()} {
  target = &c;
  life = c.live()->life();
  kind = purpose::background;
  writes = true;
  posted = true;
}

void run_loop::begin_life(cell& c) {
  if (!c.type().has_run || c.core().stopping()) return;
  auto& mine = c.extension().run;
  mine.awaited = ~std::uint64_t{0};
  if (auto* const again = mine.restart.get(); again != nullptr) again->backoff = again->backoff.zero();
  start(c);
}

void run_loop::end_life(cell& c) noexcept {
  auto* const again = c.known_extension()->run.restart.get();
  if (again == nullptr) return;
  c.core().exec().cancel(again->ring);
  again->at.reset();
}

bool run_loop::lets_sleep(const cell& c) noexcept {
  const invocation* const running = c.known_extension() ? c.known_extension()->run.running : nullptr;
  return running != nullptr && !running->blocks_sleep;
}

// In front of what has arrived meanwhile, so that it cannot come after an order to shut down.
void run_loop::start(cell& c) { c.put_first(*new run_loop{c}); }

std::coroutine_handle<> run_loop::begin(activation* a) {
  if (target->current_phase() != cell::phase::awake) return nullptr;
  begun_ = home()->now();
  try {
    own(a->run());
  } catch (...) {
    failed(std::current_exception(), false);
  }
  if (body()) target->known_extension()->run.running = this;
  return body();
}

void run_loop::finish() {
  target->known_extension()->run.running = nullptr;
  const auto& failure = body().promise().failure();
  // Here, since as an invocation it does not fail.
  const bool holds = std::exchange(settles_parts, false);
  if (failure) return failed(failure, holds);
  if (holds) target->parts().invocation_ended(*this, nullptr);
}

void run_loop::failed(const std::exception_ptr& failure, bool holds) {
  cell& c = *target;
  const bool leaving = c.current_phase() != cell::phase::awake;
  const bool cut = leaving && is_one_of(failure, errc::aborted);  // this is how it is meant to end
  if (!cut) note_failure(c, failure);
  if (!cut) c.core().report(failure, "run of " + c.name() + (holds ? c.parts().describe_held(*this) : std::string{}));
  const bool is_theirs = holds && c.parts().invocation_ended(*this, failure);
  if (leaving) return;
  // Each attempt counts, so a loop that fails with every message does not go on for ever. The new loop takes its place
  // behind all that waits, so that calls get their turns meanwhile.
  if (is_theirs && !is_planted(planted::bad_message_stalls_loop)) return c.push(*new run_loop{c});
  begin_later();
}

void run_loop::begin_later() {
  cell& c = *target;
  const auto& options = c.type().options;
  if (options.run_restart_min == troupe::never) return;
  auto& mine = c.known_extension()->run;
  if (!mine.restart) mine.restart = std::make_unique<run_restart>(c, &run_loop::restart);
  auto& again = *mine.restart;
  const auto now = home()->now();
  const auto longest = options.run_restart_max;
  const bool anew = again.backoff == again.backoff.zero() || now - begun_ >= longest;
  again.backoff = anew ? std::min(options.run_restart_min, longest)
                       : again.backoff > longest / 2 ? longest : again.backoff * 2;
  again.at = now + again.backoff;
  home()->arm(again.ring, *again.at);
}

void run_loop::restart(cell& c) noexcept {
  auto& again = *c.known_extension()->run.restart;
  if (!again.at || c.core().exec().now() < *again.at) return;  // of an earlier life
  again.at.reset();
  start(c);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
