// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <troupe/actor/address.hpp>
#include <troupe/actor/invocation.hpp>
#include <troupe/core/bytes.hpp>
#include <troupe/core/executor.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

class runtime_core;

/// The request that an invocation makes of its actor, in names and bytes.
struct request {
  enum class verb : std::uint8_t {
    call,     ///< an action
    resolve,  ///< the id
    status,
    send,     ///< a message to a queue
    connect,
    list,  ///< of the actors of the address's type: `body` is a `listing_request`
    read,     ///< the state, as CBOR; no value: there is no such actor. Wakes and creates nothing.
    destroy,  ///< answered when the end is durable
  };
  verb asks = verb::call;
  std::string name;  ///< of the action or queue, on the wire
  bytes body;        ///< CBOR: the arguments as an array, the message, or the params of a connection; empty: none
  std::chrono::nanoseconds delay{0};  ///< how much later a message is to be received
  bool waits = false;                 ///< a message: its answer is waited for, not its receipt
};

/// Brings invocations to their actors. The runtime is the transport to its own actors, and has a cell for each that a
/// handle asks for: with the cell, calls do not come here. Any other transport carries names and bytes.
///
/// An invocation that is sent has one owner more, the transport, which answers it exactly once: it calls
/// `invocation::take_answer` or sets `failure`, sets `dependency` to 0, and calls `answer`; one that is `posted` gets
/// no answer, and its failure is reported. Then the transport gives up its reference. A caller that gives up abandons
/// the reply and triggers `invocation::stop_token`; the transport then tells the other side, and still waits for its
/// last word. If the link breaks before that, whether the action has run is open: the call fails with
/// `transport.lost`. An invocation that has not left the process fails with `transport.unreachable`: it has not run.
///
/// All members may be called from any thread.
class transport {
 public:
  transport(const transport&) = delete;
  transport& operator=(const transport&) = delete;
  virtual ~transport() = default;

  /// Where callers go on, their timers run, and handlers of the host's connections are called.
  [[nodiscard]] executor& exec() const noexcept { return *executor_; }
  /// The runtime of this process whose actors it reaches, where handles find cells; null: the actors are elsewhere.
  [[nodiscard]] runtime_core* local() const noexcept { return local_; }
  /// The same if its actors are committed together, so that they number their epochs together; else null.
  [[nodiscard]] runtime_core* in_one_cut() const noexcept { return in_one_cut_; }
  /// Whether each turn is observed: then no call runs past the mailbox of its actor.
  [[nodiscard]] bool observes_turns() const noexcept { return observes_turns_; }
  /// Whether that is so, or there are no cells: then no call begins with a look at a cell.
  [[nodiscard]] bool guards_calls() const noexcept { return guards_calls_; }

  /// The definition that handles of a type are made with. Throws `actor.not_registered`.
  [[nodiscard]] virtual const definition& find(const void* type) const = 0;
  /// The same by wire name; null if there is none.
  [[nodiscard]] virtual const definition* find(std::string_view name) const noexcept = 0;
  /// The wire names that can be found.
  [[nodiscard]] virtual std::vector<std::string_view> names() const = 0;

  /// Throws `runtime.stopped` once no call can begin any more.
  virtual void require_running() const = 0;

  /// Brings an invocation to the actor that its `origin` names, over its connection `via` if it has one. Takes over a
  /// reference. Invocations that one thread sends to one actor leave in that order. Its caller waits no longer than
  /// `limit`; `never`: for ever, or there is no caller.
  virtual void send(invocation& inv, std::chrono::nanoseconds limit) noexcept = 0;
  /// Ends an invocation that has not begun. Takes over a reference.
  virtual void refuse(invocation& inv, std::exception_ptr why) noexcept = 0;

  /// The host hears of a failure that has no caller.
  virtual void report(const std::exception_ptr& failure, std::string_view where) noexcept = 0;
  /// The description of an interrupted operation, with the reason why the transport has ended, if it has.
  [[nodiscard]] virtual std::string interrupted(std::string what) const = 0;

  /// Between the two its executor runs what is posted to it.
  virtual void enter_busy() noexcept = 0;
  virtual void leave_busy() noexcept = 0;

 protected:
  /// The executor lives as long as the transport.
  explicit transport(executor& e, runtime_core* local = nullptr, bool observes_turns = false) noexcept
      : executor_{&e}, local_{local}, in_one_cut_{local}, observes_turns_{observes_turns},
        guards_calls_{local == nullptr || observes_turns} {}
  /// Each actor has epochs of its own. Once, before anything runs.
  void cut_apart() noexcept { in_one_cut_ = nullptr; }

 private:
  executor* const executor_;
  runtime_core* const local_;
  runtime_core* in_one_cut_;
  const bool observes_turns_;
  const bool guards_calls_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
