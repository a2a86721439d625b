// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include <troupe/core/abi.hpp>

namespace troupe {
inline namespace v0 {

/// Every error that troupe itself raises. The numbers are part of the wire format and are never reused.
/// The group and code that go over the wire, and the sentence that goes with them, stand in `src/core/error.cpp`.
enum class errc : std::uint16_t {
  internal_error = 1,           ///< rivetkit.internal_error: a failure whose details stay in this process

  not_found = 100,              ///< actor.not_found: no such actor
  action_not_found = 101,       ///< actor.action_not_found: the manifest has no action of that name
  action_timed_out = 102,       ///< actor.action_timed_out: the call's time-out passed
  aborted = 103,                ///< actor.aborted: a stop token was triggered, or the actor shuts down
  duplicate_key = 104,          ///< actor.duplicate_key: `create` found the key taken
  key_too_large = 105,          ///< actor.key_too_large: a key segment or the whole key is over its limit
  input_too_large = 106,        ///< actor.input_too_large: a creation input is over its limit
  overloaded = 107,             ///< actor.overloaded: a bounded queue is full
  starting = 108,               ///< actor.starting: not allowed before the actor has started
  stopping = 109,               ///< actor.stopping: not allowed once the actor shuts down
  destroying = 110,             ///< actor.destroying: the actor is being destroyed
  dropped_reply = 111,          ///< actor.dropped_reply: the action ended without an answer
  not_registered = 112,         ///< actor.not_registered: the registry serves no actor of that name
  invalid_operation = 113,      ///< actor.invalid_operation: a call that this place does not allow
  callback_timed_out = 114,     ///< actor.callback_timed_out: a lifecycle hook took longer than it may
  invalid_request = 115,        ///< actor.invalid_request: arguments that cannot be decoded, or do not fit
  validation_error = 116,       ///< actor.validation_error: arguments that decode but are not accepted
  state_mutation_reentrant = 117,  ///< actor.state_mutation_reentrant: `on_state_change` changed the state
  missing_input = 118,          ///< actor.missing_input: `on_create` needs an input and none was given
  shutdown_timeout = 119,       ///< actor.shutdown_timeout: the grace period ended before the actor was done
  newer_state = 120,            ///< actor.newer_state: the stored state is of a newer version than this program
  unreadable_state = 121,       ///< actor.unreadable_state: this program cannot read, or migrate, the stored state
  state_too_large = 122,        ///< actor.state_too_large: a turn left the encoded state over its limit
  deadlock = 123,               ///< actor.deadlock: the call waits for an actor that waits for it
  broken_promise = 124,         ///< actor.broken_promise: all ends of a promise are gone, and none has set it

  forbidden = 200,              ///< auth.forbidden: a permission hook said no

  incoming_too_long = 300,      ///< message.incoming_too_long
  outgoing_too_long = 301,      ///< message.outgoing_too_long

  invalid_data = 400,           ///< encoding.invalid: bytes that are not what their type says
  unsupported_encoding = 401,   ///< protocol.unsupported_encoding

  store_unavailable = 500,      ///< store.unavailable: the store did not confirm; the outcome is open
  store_in_use = 501,           ///< store.in_use: another process, or another runtime, owns the store
  store_not_a_database = 502,   ///< store.not_a_database: the file is something else
  store_newer_schema = 503,     ///< store.newer_schema: written by a newer troupe
  store_read_only = 504,        ///< store.read_only: the file or its directory cannot be written
  store_full = 505,             ///< store.full: the disk is full
  store_corrupt = 506,          ///< store.corrupt: the file is damaged
  store_failed = 507,           ///< store.failed: any other failure of the store

  store_refuses_changes = 508,     ///< store.refuses_changes: the store does not keep up, or has failed for good

  invalid_config = 600,         ///< config.invalid: a registry or runtime option that cannot work
  runtime_stopped = 601,        ///< runtime.stopped: the runtime is shut down

  connection_closed = 700,      ///< connection.closed: used after one of its ends closed it
  connection_lagging = 701,     ///< connection.lagging: closed because its events were not taken
  event_not_declared = 702,     ///< event.not_declared: the actor has no event of that name

  queue_full = 800,             ///< queue.full: as many messages wait as may
  queue_message_too_large = 801,  ///< queue.message_too_large: an encoded message is over its limit
  queue_not_declared = 802,     ///< queue.not_declared: the actor has no queue of that name
  queue_already_completed = 803,  ///< queue.already_completed: a message was completed twice
  queue_timed_out = 804,        ///< queue.timed_out: nobody completed the message in time
  queue_lease_lost = 805,       ///< queue.lease_lost: the message belongs to another consumer by now
  queue_dead_letter = 806,      ///< queue.dead_letter: the message failed in all of its attempts, or cannot be decoded
  queue_newer_message = 807,    ///< queue.newer_message: the message is of a newer version than this program's

  simulation_stuck = 900,       ///< simulation.stuck: what was waited for can never happen any more
  simulation_endless = 901,     ///< simulation.endless: what was waited for did not happen within the limits
  simulation_left_over = 902,   ///< simulation.left_over: something is still there after the end

  transport_unreachable = 1000,  ///< transport.unreachable: the actor's process cannot be reached; nothing was done
  transport_lost = 1001,         ///< transport.lost: the link to the actor's process broke; the outcome is open
};

/// What a call, a hook or the runtime itself failed with: a group and a code for programs, a sentence for people, and
/// metadata (JSON text) for both.
///
/// Copying never throws. All members may be called from any thread.
class error : public std::exception {
 public:
  /// An error of the catalogue. `detail` is appended to the catalogue's sentence and should name the thing:
  /// `throw error(errc::not_found, "chatRoom/general")`. `metadata` is JSON text, or empty.
  explicit error(errc code, std::string_view detail = {}, std::string metadata = {});

  /// An error from elsewhere (another process, a newer version) by its wire names.
  error(std::string group, std::string code, std::string message, std::string metadata = {});

  /// The family, as on the wire: "actor", "store", "user", ...
  [[nodiscard]] const std::string& group() const noexcept;
  /// The name within the group, as on the wire: "not_found", ...
  [[nodiscard]] const std::string& code() const noexcept;
  /// One sentence or two: what happened, and what to do about it.
  [[nodiscard]] const std::string& message() const noexcept;
  /// JSON text, or empty.
  [[nodiscard]] const std::string& metadata() const noexcept;
  /// `troupe: group.code: message` in one line, with the metadata if there is any.
  [[nodiscard]] const char* what() const noexcept override;

  /// Whether message and metadata may leave the process. Group and code always may.
  [[nodiscard]] bool is_public() const noexcept;

  /// True when the error is this one of the catalogue.
  [[nodiscard]] bool is(errc code) const noexcept;

 protected:
  struct payload;

 private:
  std::shared_ptr<const payload> payload_;
};

/// What an action throws for its caller to see: always public, group "user". Any other exception reaches an in-process
/// caller unchanged, and a remote one as `internal_error`.
///
///     throw troupe::user_error{"out_of_stock", "No apples left", R"({"fruit": "apple"})"};
class user_error : public error {
 public:
  explicit user_error(std::string message);
  user_error(std::string code, std::string message, std::string metadata = {});
};

/// What may leave the process of `failure`: a public error as it is; any other troupe error with its group and code but
/// no details; anything else as `internal_error`. Every transport goes through here, so all mask alike.
[[nodiscard]] error to_public_error(const std::exception_ptr& failure) noexcept;

}  // namespace v0
}  // namespace troupe
