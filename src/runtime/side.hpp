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

namespace troupe {
inline namespace v0 {
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

  explicit image(cell& c) noexcept : owner{&c} {}

  image* next = nullptr;
  cell* owner;
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

/// What a cell wants itself to do, whoever finds that it is time. One message brings all of it.
class cell_wants final : public work {
 public:
  enum what : std::uint8_t {
    freeze = 1,   ///< the committer waits for an image
    end = 2,      ///< the actor has asked for its end
    overdue = 4,  ///< the time of a hook, or the grace period, is over
    save = 8,     ///< the interval is over
  };
  explicit cell_wants(cell& c) noexcept : work{&cell_wants::deliver}, owner_{c} {}

  /// From any thread.
  void add(what w) noexcept {
    if (wanted_.fetch_or(w, std::memory_order_acq_rel) == 0) owner_.push(*this);
  }
  /// Its holder: nothing is under way.
  [[nodiscard]] bool none() const noexcept { return wanted_.load(std::memory_order_relaxed) == 0; }

 private:
  static void deliver(work& w) noexcept;

  cell& owner_;
  std::atomic<std::uint8_t> wanted_{0};
};

/// A timer that, when due, adds to what a cell wants.
class want_alarm final : public timer {
 public:
  want_alarm(cell_wants& to, cell_wants::what w) noexcept : timer{&want_alarm::ring}, what_{w}, to_{to} {}

 private:
  static void ring(timer& t) noexcept {
    auto& self = static_cast<want_alarm&>(t);
    self.to_.add(self.what_);
  }

  cell_wants::what what_;
  cell_wants& to_;
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

/// An actor's coming or going, if that takes time: of its hooks or of what runs in it.
struct passage {
  static void* operator new(std::size_t size) { return allocate_block(size); }
  static void operator delete(void* block, std::size_t size) noexcept { release_block(block, size); }
  explicit passage(cell_wants& wants) noexcept : deadline{wants, cell_wants::overdue} {}

  invocation* procedure = nullptr;        ///< that stops it, if it does
  join* hook = nullptr;                   ///< the hook that runs, if it is a coroutine
  const char* hook_name = "";
  std::chrono::nanoseconds hook_limit{};
  bool overdue = false;
  quiet_wait* quiet = nullptr;
  time_point deadline_at{};
  want_alarm deadline;  ///< of the hook that runs, or of the grace period
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
/// What few of them need, or not for long, has memory of its own meanwhile.
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
  /// The turn's changes cannot be stored: forgets those beside the state.
  void undo_rows() noexcept;
  /// The same for the state, which is as it was before the turn.
  void undo_state() noexcept;
  /// Relaxed: the actor falls asleep with a state that cannot be stored, so that it is lost. Notes what can be stored
  /// without it. Returns the epoch of that.
  epoch_number record_without_state(epoch_number dependency);
  /// Notes that the actor ends. Returns the epoch of it.
  epoch_number record_destroy(epoch_number dependency);
  /// Encodes a large state for an older epoch, before a turn that belongs to `epoch` or later changes it.
  void freeze_before(epoch_number epoch) noexcept;
  /// Answers the committer's question, if there is one.
  void freeze_asked() noexcept;
  /// Prepares for an actor that the store has, or (without a record) for a new one.
  void begin_life(const actor_record* record);
  /// Relaxed: the save that was ahead is not needed any more, or happens now.
  void forget_save() noexcept;
  /// Gives the memory of encoded states back. True if nothing is left that the next life needs.
  [[nodiscard]] bool end_life() noexcept;

  [[nodiscard]] passage& passes() {
    if (!passing) passing = std::make_unique<passage>(wants);
    return *passing;
  }
  [[nodiscard]] bool in_hook() const noexcept { return passing && passing->hook != nullptr; }

  cell& owner;
  invocation* holder = nullptr;  ///< the exclusive action or lifecycle procedure that keeps others out
  work_list deferred;            ///< must wait: for the wake, for an exclusive action, ...

  std::array<std::unique_ptr<image>, 2> images;  ///< the other fills while one is committed; null until it is needed
  epoch_number registered = 0;      ///< the epoch of the newest image
  const buffer* newest = nullptr;   ///< the newest encoded state, whether committed or not
  std::size_t newest_bytes = 0;     ///< the size of the state when it was last encoded
  buffer stored;                    ///< what was loaded, until there is a newer one
  std::unique_ptr<buffer> seen;     ///< the state when on_state_change last looked, where that is not `newest`
  std::uint32_t stored_version = 0; ///< of the newest image
  std::uint8_t newest_image = 0;    ///< which of the two
  bool stored_initialised = false;  ///< in it
  bool exists = false;              ///< the store has a row, or will have with an image that is registered
  bool initialised = false;         ///< on_create has run
  bool destroyed = false;
  bool sleep_requested = false;     ///< by the actor itself
  bool destroy_requested = false;   ///< the same
  std::unique_ptr<const bytes> input;  ///< null: none
  std::unique_ptr<write_set::creation> creation;  ///< of one that is new, until there is an image

  std::unique_ptr<audience, audience_release> heard_by;  ///< who is connected

  std::unique_ptr<cell_queues> queues;        ///< null: the definition has none
  std::unique_ptr<row_changes> rows;          ///< of the turn that runs
  std::unique_ptr<row_changes> unsaved_rows;  ///< relaxed: of the turns since the last save; at its end, what is undone

  // --- lifecycle ---
  cell_wants wants;
  std::unique_ptr<want_alarm> saving;  ///< relaxed: while a save is ahead
  std::unique_ptr<passage> passing;  ///< null while it neither comes nor goes
  parked_wait* parked = nullptr;    ///< the first of those that end when the actor begins to shut down
  invocation* run_loop = nullptr;   ///< the definition's `run`, while it runs
  std::uint64_t awaited = 0;        ///< what wakes the actor: what its `run` waited for when it was told to end, or all
  std::unique_ptr<run_restart> restart;  ///< of that; made by its first failure

 private:
  [[nodiscard]] bool encodes_eagerly(const ended_turn& t) const;
  void require_fewer_bytes(std::size_t bytes) const;
  [[nodiscard]] bool is_behind() const noexcept;
  [[nodiscard]] bool differs(bytes_view state) const noexcept;
  [[nodiscard]] bool looks_different();
  void tell_of_change(const ended_turn& t, std::exception_ptr& failure) noexcept;
  [[nodiscard]] std::uint8_t next_image();
  template <class Fill>
  epoch_number place(epoch_number dependency, Fill&& fill);
  [[nodiscard]] std::unique_ptr<row_changes> take_rows();
  void forget_rows();
  void send_again() noexcept;
  void add_rows(image& m, row_changes&& moved);
  void count(image& m, std::ptrdiff_t bytes) noexcept;
  void count_state(image& m) noexcept;
  void encode_now(image& m) noexcept;
  void schedule_save();
};

inline invocation* cell::holder() const noexcept { return side_ ? side_->holder : nullptr; }

}  // namespace detail
}  // namespace v0
}  // namespace troupe
