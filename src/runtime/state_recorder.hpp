// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <utility>

#include <troupe/core/buffer.hpp>
#include <troupe/core/bytes.hpp>
#include <troupe/store/store.hpp>

#include "cell_messages.hpp"
#include "rows.hpp"
#include "state_images.hpp"
#include "turn_rows.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// Finds out what a turn has changed of a stored actor, and puts it into the actor's images: the state, the rows beside
/// it, creation and end. All members are for the cell's holder.
class state_recorder {
 public:
  /// `parts` is null for an actor without parts.
  state_recorder(cell& c, pending_signals& signals, part_list* parts) noexcept
      : images_{c}, rows_{parts}, signals_{signals} {}
  ~state_recorder() = default;
  state_recorder(const state_recorder&) = delete;
  state_recorder& operator=(const state_recorder&) = delete;

  // --- life ---

  /// Prepares for an actor that the store has, or (without a record) for a new one.
  void begin_life(const actor_record* record);
  /// The actor is new: the input is for `on_create`, and `row` for the first commit.
  void set_input(const bytes& input) { input_ = std::make_unique<const bytes>(input); }
  void set_creation(std::unique_ptr<creation_row> row) noexcept {
    images_.set_creation(std::move(row));
  }
  /// `on_create` has run.
  void set_initialised() noexcept { initialised_ = true; }
  /// Before the end of a life whose changes are lost: what had arrived with them is sent again.
  void give_up_lost() noexcept { images_.give_up_lost(); }
  /// The memory of encoded states is free again.
  void end_life() noexcept;

  [[nodiscard]] bool initialised() const noexcept { return initialised_; }
  /// The end of the actor has been recorded.
  [[nodiscard]] bool destroyed() const noexcept { return images_.destroyed(); }
  /// The creation input, while `on_create` has not run; null: none.
  [[nodiscard]] const bytes* input() const noexcept { return input_.get(); }
  /// Whether a relaxed actor's save is ahead.
  [[nodiscard]] bool is_save_ahead() const noexcept { return saving_ != nullptr; }
  /// Of the newest image; 0: there is none.
  [[nodiscard]] epoch_number newest_epoch() const noexcept { return images_.newest_epoch(); }
  /// Relaxed, when the life ends: changes of the actor's parts are lost with the state that they belong to, so the
  /// store still has messages that were handled, say.
  [[nodiscard]] bool lost_rows() const noexcept { return rows_.unsaved() != nullptr && rows_.unsaved()->has_own(); }

  // --- the end of a turn ---

  struct ended_turn {
    epoch_number dependency;  ///< what it can depend on
    bool writes;              ///< it may have changed the state
    bool saves;               ///< a relaxed actor's changes get an epoch too
    bool of_procedure;        ///< which often changes nothing: a large state is compared, too
  };
  /// Notes what the turn that now ends may have changed. Returns the epoch that the changes belong to, or its
  /// dependency if there are none. Throws if the state cannot be encoded; `failure` is what on_state_change threw.
  epoch_number record(const ended_turn& t, std::exception_ptr& failure);
  /// The changes of the turn beside the state. The turn is to know of it: see turn::effects().
  [[nodiscard]] row_changes& changes() { return rows_.changes(); }
  /// Gives the actor other tags from this turn on. The turn is to know of it.
  void set_labels(tags now) { rows_.set_labels(*owner().live(), std::move(now)); }
  [[nodiscard]] bool has_rows() const noexcept { return rows_.has_any(); }
  /// The turn's changes cannot be stored: forgets those beside the state.
  void undo_rows() noexcept { rows_.undo(owner().live()); }
  /// The same for the state, which is as it was before the turn. False if that failed, and was reported: then the live
  /// copy is not to be used any more.
  [[nodiscard]] bool undo_state() noexcept;
  /// Relaxed: the actor falls asleep with a state that cannot be stored, so that it is lost. Notes what can be stored
  /// without it. Returns the epoch of that.
  epoch_number record_without_state(epoch_number dependency);
  /// Notes that the actor ends. Returns the epoch of it.
  epoch_number record_destroy(epoch_number dependency);

  // --- epochs ---

  /// Encodes a large state for an older epoch, before a turn that belongs to `epoch` or later changes it.
  void freeze_before(epoch_number epoch) noexcept { images_.freeze_before(epoch); }
  /// Answers the committer's question, if there is one.
  void freeze_asked() noexcept { images_.freeze_asked(); }
  /// Relaxed: the save that was ahead is not needed any more, or happens now.
  void forget_save() noexcept {
    if (saving_) cancel_save();
  }

 private:
  [[nodiscard]] cell& owner() const noexcept { return images_.owner; }
  [[nodiscard]] epoch_number record_more(epoch_number turn_epoch);
  [[nodiscard]] bool encodes_eagerly(const ended_turn& t) const;
  void require_fewer_bytes(std::size_t bytes) const;
  [[nodiscard]] bool differs(bytes_view state) const noexcept;
  [[nodiscard]] bool looks_different();
  void tell_of_change(const ended_turn& t, std::exception_ptr& failure) noexcept;
  void schedule_save();
  void cancel_save() noexcept;

  state_images images_;
  turn_rows rows_;
  pending_signals& signals_;
  std::unique_ptr<buffer> seen_;  ///< the state when on_state_change last looked, where that is not the newest image's
  std::unique_ptr<const bytes> input_;
  std::unique_ptr<signal_timer> saving_;  ///< relaxed: while a save is ahead
  bool initialised_ = false;              ///< `on_create` has run
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
