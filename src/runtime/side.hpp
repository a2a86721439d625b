#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include <troupe/core/buffer.hpp>
#include <troupe/core/timer.hpp>
#include <troupe/core/when.hpp>
#include <troupe/runtime/cell.hpp>
#include <troupe/store/store.hpp>

#include "rows.hpp"

namespace troupe::inline v0 {
namespace detail {

class cell_queues;

/// What of one actor becomes durable with one epoch. The cell's holder fills it, the committer takes it. It has all
/// that the committer looks at, or every commit would fetch the cells from the cores that run them.
struct image {
  enum class stage : std::uint8_t {
    unused,
    open,   ///< belongs to an epoch; the holder may still change it
    busy,   ///< the holder is changing it
    asked,  ///< the committer waits for the holder to encode it
    taken,  ///< the committer's
  };

  image* next = nullptr;
  cell* owner = nullptr;
  epoch_number epoch = 0;
  actor_id id{};
  std::uint32_t version = 1;
  std::atomic<stage> is{stage::unused};
  write_set::action what = write_set::action::update;
  bool nothing = false;      ///< created and destroyed within the epoch
  bool initialised = true;
  bool encoded = false;      ///< else the state is to be encoded when the epoch closes
  buffer state;              ///< of `keep` it means nothing
  std::unique_ptr<row_changes> rows;   ///< null: none
  std::unique_ptr<write_set::creation> created;  ///< of `create`
  std::ptrdiff_t counted = 0;          ///< bytes of it in the committer's backlog
  std::size_t state_counted = 0;       ///< of those, the state's
};

/// A message of the cell's own to itself.
class cell_message : public work {
 public:
  using handler = void (*)(cell&) noexcept;
  cell_message(cell& c, handler h) noexcept : work{&cell_message::deliver}, owner_{c}, handler_{h} {}

  /// Sends it. From any thread; at most one is under way.
  void trigger() noexcept {
    if (!under_way_.exchange(true, std::memory_order_acq_rel)) owner_.push(*this);
  }

 private:
  static void deliver(work& w) noexcept {
    auto& self = static_cast<cell_message&>(w);
    self.under_way_.store(false, std::memory_order_release);
    self.handler_(self.owner_);
  }

  cell& owner_;
  handler handler_;
  std::atomic<bool> under_way_{false};
};

/// A timer that, when due, sends the cell a message.
class cell_alarm final : public timer, public cell_message {
 public:
  cell_alarm(cell& c, handler h) noexcept : timer{&cell_alarm::ring}, cell_message{c, h} {}

 private:
  static void ring(timer& t) noexcept { static_cast<cell_alarm&>(t).trigger(); }
};

/// Lets the stop procedure wait until nothing runs in the actor any more.
class quiet_wait final : public wait {
 public:
  explicit quiet_wait(cell& c) noexcept : cell_{c} {}
  [[nodiscard]] bool await_ready() const noexcept;
  void await_suspend(std::coroutine_handle<> h) noexcept;
  void await_resume() noexcept { end(); }
  using wait::wake;

 private:
  void interrupt() noexcept override {}
  cell& cell_;
};

/// When a `run` that threw is started again. Waiting for it does not keep the actor awake.
struct run_restart {
  run_restart(cell& c, cell_alarm::handler h) noexcept : ring{c, h} {}
  cell_alarm ring;
  std::optional<time_point> at;         ///< while it is awaited
  std::chrono::nanoseconds backoff{0};  ///< the last one; 0 before the first failure
};

/// Gives up a reference.
struct audience_release {
  void operator()(audience* a) const noexcept;
};

/// The part of a cell that only some actors need, from the first need on. The holder's, but for what says otherwise.
struct cell_side {
  explicit cell_side(cell& c);
  ~cell_side();

  /// Whether every actor of the definition needs it: what it is, is stored or looked at; or it has queues.
  [[nodiscard]] static bool concerns(const definition& type) noexcept {
    return type.options.durability != durability::ephemeral || type.has_on_create || type.has_on_state_change ||
           !type.queues.empty();
  }

  // --- changes ---

  struct ended_turn {
    epoch_number dependency;  ///< what it can depend on
    bool writes;              ///< it may have changed the state
    bool saves;               ///< a relaxed actor's changes get an epoch too
    bool of_procedure;        ///< which often changes nothing: a large state is compared, too
  };
  /// Notes what the turn that now ends may have changed. Returns the epoch that the changes belong to, or its
  /// dependency if there are none. Throws if the state cannot be encoded; `failure` is what on_state_change threw.
  epoch_number record(const ended_turn& t, std::exception_ptr& failure);
  /// What the turn changes beside the state. The turn is to know of it: see turn::effects().
  [[nodiscard]] row_changes& changes();
  [[nodiscard]] bool has_rows() const noexcept;
  /// The turn's changes cannot be stored.
  void undo_rows() noexcept;
  /// Notes that the actor ends. Returns the epoch of it.
  epoch_number record_destroy(epoch_number dependency);
  /// Encodes a large state for an older epoch, before a turn that belongs to `epoch` or later changes it.
  void freeze_before(epoch_number epoch) noexcept;
  /// Answers the committer's question, if there is one.
  void freeze_asked() noexcept;
  /// Prepares for an actor that the store has, or (without a record) for a new one.
  void begin_life(const actor_record* record, wall_time now);
  /// Gives the memory of encoded states back.
  void end_life() noexcept;

  cell& owner;
  std::array<image, 2> images;      ///< by the parity of the epoch: while one is committed, the other fills
  epoch_number registered = 0;      ///< the epoch of the newest image
  const buffer* newest = nullptr;   ///< the newest encoded state, whether committed or not
  std::size_t newest_bytes = 0;     ///< the size of the state when it was last encoded
  buffer stored;                    ///< what was loaded, until there is a newer one
  buffer seen;                      ///< the state when on_state_change last looked, where that is not `newest`
  std::uint32_t stored_version = 0; ///< of the newest image
  bool stored_initialised = false;  ///< in the newest image
  bool exists = false;              ///< the store has a row, or will have with an image that is registered
  bool initialised = false;         ///< on_create has run
  bool destroyed = false;
  bool save_scheduled = false;      ///< relaxed: the save alarm is armed
  std::optional<bytes> input;
  wall_time created_at{};
  std::unique_ptr<write_set::creation> creation;  ///< of one that is new, until there is an image
  std::uint32_t life = 0;           ///< counts activations

  std::unique_ptr<audience, audience_release> heard_by;  ///< who is connected

  std::unique_ptr<cell_queues> queues;        ///< null: the definition has none
  std::unique_ptr<row_changes> rows;          ///< of the turn that runs
  std::unique_ptr<row_changes> unsaved_rows;  ///< relaxed: of the turns since the last save

  // --- lifecycle ---
  cell_message freeze;  ///< triggered by the committer
  cell_message end;     ///< it has asked for its end, see below
  cell_alarm deadline;  ///< of the hook that runs, or of the grace period
  cell_alarm save;
  const invocation* procedure = nullptr;  ///< the lifecycle procedure that runs
  join* hook = nullptr;             ///< the hook that runs, if it is a coroutine
  const char* hook_name = "";
  std::chrono::nanoseconds hook_limit{};
  bool overdue = false;
  quiet_wait* quiet = nullptr;
  parked_wait* parked = nullptr;    ///< the first of those that end when the actor begins to shut down
  invocation* run_loop = nullptr;   ///< the definition's `run`, while it runs
  std::uint64_t awaited = 0;        ///< what wakes the actor: what its `run` waited for when it was told to end, or all
  std::unique_ptr<run_restart> restart;  ///< of that; made by its first failure
  time_point deadline_at{};
  bool sleep_requested = false;
  bool destroy_requested = false;

 private:
  [[nodiscard]] bool differs(bytes_view state) const noexcept;
  [[nodiscard]] bool looks_different();
  void tell_of_change(const ended_turn& t, std::exception_ptr& failure) noexcept;
  template <class Fill>
  epoch_number place(epoch_number dependency, Fill&& fill);
  [[nodiscard]] std::unique_ptr<row_changes> take_rows();
  void forget_rows();
  void add_rows(image& m, row_changes&& moved);
  void count(image& m, std::ptrdiff_t bytes) noexcept;
  void count_state(image& m) noexcept;
  void encode_now(image& m) noexcept;
  void schedule_save() noexcept;
};

}  // namespace detail
}  // namespace troupe::inline v0
