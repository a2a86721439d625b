// The end of a turn, and its pauses.

#include <algorithm>
#include <exception>

#include "../core/planted.hpp"
#include "core.hpp"
#include "side.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

namespace {

// A thread that is no worker wakes one with each actor that it posts. A receiver that is as fast as the sender would be
// idle again for each message, so several messages are sent at the price of one wake.
void send_all(work_list& outgoing, executor& exec, bool on_worker) noexcept {
  constexpr int messages_a_wake = 64;
  const work* const first = outgoing.front();
  if (first->next == first || on_worker) {
    while (work* const w = outgoing.pop_front()) w->run(*w);
    return;
  }
  while (!outgoing.empty()) {
    const post_batch together{exec};
    for (int left = messages_a_wake; left != 0; --left) {
      work* const w = outgoing.pop_front();
      if (w == nullptr) return;
      w->run(*w);
    }
  }
}

}  // namespace

void turn::learn(epoch_number dependency) noexcept {
  if (dependency <= learned || is_planted(planted::dependency_dropped)) return;
  learned = dependency;
  if (where->side_ && writes) where->side_->recorder.freeze_before(dependency);
}

epoch_number turn::end_with_effects() noexcept {
  cell& c = *where;
  epoch_number dependency = std::max(learned, c.dependency_);
  if (inv == nullptr && c.side_ && c.side_->parts) c.side_->parts->plain_action_ended(failed);
  const bool destroyed = c.side_ && c.side_->recorder.destroyed();
  const bool saves = effects_ && effects_->save;
  const bool to_record = (writes && !c.quick_writes_) || saves || (c.side_ && c.side_->recorder.has_rows());
  if (to_record && c.live_ && !destroyed) {
    std::exception_ptr failure;
    try {
      const bool of_procedure = inv != nullptr && inv->kind == invocation::purpose::lifecycle;
      if (c.side_) dependency = c.side_->recorder.record({dependency, writes || saves, saves, of_procedure}, failure);
    } catch (...) {
      failure = std::current_exception();
      effects().unsaved = true;
      effects().failure = failure;
      c.core().report(failure, c.name() + ": the state cannot be stored");
      auto& recorder = c.side_->recorder;
      recorder.undo_rows();
      if (writes && !recorder.undo_state()) {  // it wakes with its stored state
        c.side_->sleep_requested = true;
        c.side_->wants.add(cell_wants::end);
      }
      if (c.phase_ == cell::phase::finalising) dependency = recorder.record_without_state(dependency);
    }
    if (failure) {
      effects().failure = failure;
      if (inv != nullptr) inv->unsaved = failure;
    }
  }
  if (writes || to_record) c.dependency_ = std::max(c.dependency_, dependency);
  if (inv != nullptr) inv->dependency = std::max(inv->dependency, dependency);
  return dependency;
}

// What the turn has sent leaves when it is known what it can depend on.
epoch_number turn::end_with_more(bool last) noexcept {
  learned = has_effects() ? end_with_effects() : end_plainly();
  if (outgoing_.empty()) return learned;
  executor& exec = where->core().exec();
  const bool on_worker = thread.worker_of == &exec;
  if (last && on_worker) thread.keeps_for = thread.worker_of;
  send_all(outgoing_, exec, on_worker);
  thread.keeps_for = nullptr;
  return learned;
}

void turn::pause() noexcept {
  static_cast<void>(require_invocation());  // others may run now, so the actor must know of it
  end();
  held = false;
  if (close()) [[unlikely]]
    look_at_mark(*where, thread, inv, {});
  where->after_turn();
  where->let_go();
}

bool turn::resume() noexcept {
  if (!where->try_hold()) return false;
  held = true;
  effects_.reset();
  open();
  return true;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
