// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <stop_token>
#include <string_view>

#include <troupe/actor/call_chain.hpp>
#include <troupe/core/buffer.hpp>
#include <troupe/core/bytes.hpp>
#include <troupe/core/counted_ptr.hpp>
#include <troupe/core/error.hpp>
#include <troupe/core/fiber.hpp>
#include <troupe/core/task.hpp>

/// \file
/// What a call turns into when it cannot be answered on the spot: a reply that somebody waits for, and an invocation
/// that an actor runs.

namespace troupe {
inline namespace v0 {
namespace detail {

class cell;
class activation;
class connection_core;
struct address;
struct request;

/// Numbers the groups of changes that become durable together. 0 is durable from the start.
using epoch_number = std::uint64_t;

/// A node in the list of those who wait until an epoch is durable.
struct gate_node {
  gate_node* next_gate = nullptr;
  void (*opened)(gate_node&, bool durable) noexcept = nullptr;
};

/// Who waits for a reply. `answered` is called once, on any thread, and may run only what `work` may.
class reply_waiter {
 public:
  virtual void answered() noexcept = 0;

 protected:
  ~reply_waiter() = default;
};

/// The meeting point of a call and its answer. Both sides hold a reference, so that either may leave first.
class reply : public gate_node {
 public:
  reply() noexcept = default;
  reply(const reply&) = delete;
  reply& operator=(const reply&) = delete;

  static void* operator new(std::size_t size) { return allocate_block(size); }
  static void operator delete(void* block, std::size_t size) noexcept { release_block(block, size); }

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  /// The caller: waits for the answer. False if it is there already, and `w` will not be called.
  [[nodiscard]] bool attach(reply_waiter& w) noexcept {
    std::uintptr_t expected = pending;
    return state_.compare_exchange_strong(expected, reinterpret_cast<std::uintptr_t>(&w), std::memory_order_acq_rel,
                                          std::memory_order_acquire);
  }

  /// The caller: no longer wants the answer. False if that is there already, or just being given.
  [[nodiscard]] bool abandon() noexcept {
    std::uintptr_t state = state_.load(std::memory_order_acquire);
    while (state != answered_mark && state != abandoned_mark) {
      if (state_.compare_exchange_weak(state, abandoned_mark, std::memory_order_acq_rel, std::memory_order_acquire)) {
        return true;
      }
    }
    return false;
  }
  [[nodiscard]] bool abandoned() const noexcept { return state_.load(std::memory_order_acquire) == abandoned_mark; }

  [[nodiscard]] bool has_answer() const noexcept { return state_.load(std::memory_order_acquire) == answered_mark; }

  /// The actor's side: the answer is complete. What it wrote before is visible to the caller.
  void answer() noexcept {
    auto before = state_.load(std::memory_order_acquire);
    while (before != abandoned_mark) {
      if (!state_.compare_exchange_weak(before, answered_mark, std::memory_order_acq_rel, std::memory_order_acquire)) {
        continue;
      }
      if (before != pending) reinterpret_cast<reply_waiter*>(before)->answered();
      return;
    }
  }

  /// What a reply does when the gate that it waits at opens: it is answered, and gives up one reference.
  static void pass_gate(gate_node& n, bool durable) noexcept;

  std::exception_ptr failure;       ///< the answer, if it is not a value
  epoch_number dependency = 0;      ///< what the answer can depend on; of a call, what it brings along
  std::atomic<bool> at_gate{false};  ///< the actor is done; only the commit is missing
  bool lost = false;                ///< answered by a gate that will never open: the outcome is open

 protected:
  virtual ~reply() = default;

 private:
  static constexpr std::uintptr_t pending = 0;
  static constexpr std::uintptr_t answered_mark = 1;
  static constexpr std::uintptr_t abandoned_mark = 2;

  std::atomic<std::uintptr_t> state_{pending};
  std::atomic<std::uint32_t> references_{1};
};

/// A reply that only waits at a gate.
class gate_reply final : public reply {};

/// Something that an actor runs: a call, a background task, a lifecycle procedure. As `work` it is the order to start;
/// as a fiber it is continued through the actor's mailbox, so that all its turns are the actor's.
class invocation : public reply, public work, public fiber {
 public:
  explicit invocation(executor& home) noexcept;

  /// Runs the body, or creates its coroutine. In the actor's turn; may throw. The activation is null for a lifecycle
  /// procedure of an actor that is not awake.
  /// Returns the coroutine, or null if the body has run to its end.
  virtual std::coroutine_handle<> begin(activation* a) = 0;
  /// The coroutine has ended: fetches its value, or throws its failure; frees the frame.
  virtual void finish() = 0;

  /// The name for people: of the action, the hook, ...
  [[nodiscard]] virtual std::string_view what() const noexcept = 0;
  /// For an invocation that may keep others out of an actor: a constant with the name. Null for the rest.
  [[nodiscard]] virtual const std::string_view* constant_name() const noexcept { return nullptr; }

  /// It is about to be refused, and `must_arrive`. True if it goes on all the same, later: then it is no longer the
  /// caller's.
  [[nodiscard]] virtual bool outlives(const std::exception_ptr& /*refusal*/) noexcept { return false; }
  /// For a transport that carries bytes, before the invocation begins: what it asks for. Throws if that cannot leave
  /// the process.
  [[nodiscard]] virtual request as_request() const;
  /// The same, once: takes the answer to that request, which is no failure. Empty: there is no value. Throws
  /// `encoding.invalid`.
  virtual void take_answer(bytes_view answer);

  void resume_later(work& w) noexcept final;
  [[nodiscard]] bool takes_turns() const noexcept final { return true; }
  void part_ended(const fiber& part, const fiber& whole) noexcept final;
  [[nodiscard]] blocking_threads* blocking() noexcept final;

  /// Stops when the caller has given up or the actor shuts down. In the actor's turn; or, where there is no cell, by
  /// the transport.
  [[nodiscard]] std::stop_token stop_token();
  /// From any thread.
  void request_stop() noexcept {
    if (auto* const source = stop_.load(std::memory_order_seq_cst); source != nullptr) source->request_stop();
  }

  enum class purpose : std::uint8_t {
    action,      ///< a call
    lookup,      ///< create or resolve: answered once the actor is there
    background,  ///< keep_awake, wait_until, ...: it belongs to one life of the actor, and wakes nobody
    connection,  ///< connect, subscribe, disconnect
    lifecycle,   ///< wake, sleep, destroy
    enqueue,     ///< brings a message to a queue
  };

  /// Of an answer.
  enum class destination : std::uint8_t {
    actor,     ///< one of the same runtime: it leaves the cut only if each actor is committed by itself
    outside,   ///< it waits until its dependency is durable
    anywhere,  ///< it tells nothing of the state, and waits for no commit
  };

  std::exception_ptr unsaved;      ///< a turn's changes could not be stored; takes the place of the answer
  /// The `constant_name` of the invocation that held the actor when this one was last deferred; null while this one
  /// runs. Written by the actor's side, read by a caller whose time-out has passed.
  std::atomic<const std::string_view*> kept_out_by{nullptr};
  cell* target = nullptr;
  const address* origin = nullptr;  ///< how the caller names the actor; holds a reference
  call_chain::pointer link;        ///< the chain that it descends from; null: none that keeps others out
  counted_ptr<invocation> caller;  ///< goes on only with the answer; null outside of such chains: see `wait_graph`
  invocation* held_before = nullptr;  ///< of an exclusive action: the one that it runs within, which held the actor
  invocation* previous = nullptr;  ///< among the running ones of the activation
  invocation* following = nullptr;
  counted_ptr<connection_core> via;    ///< the connection that it came over, or is about
  std::stop_token given_up;        ///< of a post: once triggered, it does not begin any more
  std::uint32_t life = 0;          ///< of a background task: which life of the actor it belongs to
  purpose kind = purpose::action;
  bool writes = false;             ///< its turns may change the state
  bool exclusive = false;
  destination goes_to = destination::actor;  ///< the answer
  bool started = false;
  bool created_actor = false;      ///< the actor was created because of it
  bool ended = false;              ///< its coroutine has; see `finish`
  bool blocks_sleep = true;
  bool beside = false;             ///< other branches of `caller` may run meanwhile
  bool counted = false;            ///< in the cell's count of waiting calls
  bool posted = false;             ///< nobody waits for the answer: failures go to the error handler
  bool quiet = false;              ///< ... but for this one, whose end needs no telling
  bool settles_parts = false;      ///< it holds something of the actor's parts, messages say, which its end settles
  bool must_arrive = false;        ///< it is not refused for good, but tried again: see `outbox`
  bool put_off = false;            ///< it is not answered when its turn has ended, but later
  errc when_late = errc::action_timed_out;  ///< what its caller gets when its time-out has passed

 protected:
  ~invocation() override;

  /// Makes the end of a coroutine known to the turn that runs it.
  void adopt(promise_base& p) noexcept {
    p.owner = this;
    p.on_end = [](promise_base& ended_one) noexcept { static_cast<invocation*>(ended_one.owner)->ended = true; };
  }

 private:
  std::atomic<std::stop_source*> stop_{nullptr};  // made when it is first asked for
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
