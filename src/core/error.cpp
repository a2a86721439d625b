// SPDX-License-Identifier: Apache-2.0
#include <troupe/core/error.hpp>

#include <array>
#include <utility>

#include <fmt/format.h>

namespace troupe {
inline namespace v0 {
namespace {

struct catalogue_entry {
  errc number;
  const char* group;
  const char* code;
  const char* sentence;
  bool is_public;
};

// Group, code and publicness as in the reference's catalogue; the sentences are ours.
constexpr std::array catalogue{
    catalogue_entry{errc::internal_error, "rivetkit", "internal_error", "An internal error occurred", false},

    catalogue_entry{errc::not_found, "actor", "not_found", "There is no such actor", true},
    catalogue_entry{errc::action_not_found, "actor", "action_not_found", "The actor has no action of that name", true},
    catalogue_entry{errc::action_timed_out, "actor", "action_timed_out", "The call took longer than its time-out",
                    true},
    catalogue_entry{errc::aborted, "actor", "aborted", "The operation was interrupted", true},
    catalogue_entry{errc::duplicate_key, "actor", "duplicate_key",
                    "The key is taken; use get or get_or_create for the existing actor", true},
    catalogue_entry{errc::key_too_large, "actor", "key_too_large", "The key is too large", true},
    catalogue_entry{errc::input_too_large, "actor", "input_too_large", "The creation input is too large", true},
    catalogue_entry{errc::overloaded, "actor", "overloaded", "A queue is full; try again later", false},
    catalogue_entry{errc::starting, "actor", "starting", "The actor has not started yet", false},
    catalogue_entry{errc::stopping, "actor", "stopping", "The actor is shutting down", false},
    catalogue_entry{errc::destroying, "actor", "destroying", "The actor is being destroyed", false},
    catalogue_entry{errc::dropped_reply, "actor", "dropped_reply", "The action ended without an answer", false},
    catalogue_entry{errc::not_registered, "actor", "not_registered", "The registry serves no actor of that name",
                    false},
    catalogue_entry{errc::invalid_operation, "actor", "invalid_operation", "This is not allowed here", false},
    catalogue_entry{errc::callback_timed_out, "actor", "callback_timed_out", "A lifecycle hook took too long", false},
    catalogue_entry{errc::invalid_request, "actor", "invalid_request", "The request cannot be read", false},
    catalogue_entry{errc::validation_error, "actor", "validation_error", "The arguments were refused", true},
    catalogue_entry{errc::state_mutation_reentrant, "actor", "state_mutation_reentrant",
                    "on_state_change may not change the state", false},
    catalogue_entry{errc::missing_input, "actor", "missing_input", "on_create needs an input and none was given",
                    false},
    catalogue_entry{errc::shutdown_timeout, "actor", "shutdown_timeout",
                    "The grace period ended before the actor was done", false},
    catalogue_entry{errc::newer_state, "actor", "newer_state",
                    "The stored state is of a newer version than this program knows; run the newer program", false},
    catalogue_entry{errc::unreadable_state, "actor", "unreadable_state",
                    "This program cannot read the stored state, which stays as it is; mend its type or its migrate",
                    false},
    catalogue_entry{errc::state_too_large, "actor", "state_too_large",
                    "The actor's state would be too large, so this turn's changes were undone", false},
    catalogue_entry{errc::deadlock, "actor", "deadlock",
                    "The call waits for an actor that waits for the call, so it was given up before it began", false},
    catalogue_entry{errc::broken_promise, "actor", "broken_promise",
                    "Nothing can set the value that is awaited any more: all copies of the promise are gone", false},

    catalogue_entry{errc::forbidden, "auth", "forbidden", "Not permitted", true},

    catalogue_entry{errc::incoming_too_long, "message", "incoming_too_long", "The request is too large", true},
    catalogue_entry{errc::outgoing_too_long, "message", "outgoing_too_long", "The response is too large", true},

    catalogue_entry{errc::invalid_data, "encoding", "invalid", "The data is not what its type says", false},
    catalogue_entry{errc::unsupported_encoding, "protocol", "unsupported_encoding", "The encoding is not supported",
                    false},

    catalogue_entry{errc::store_unavailable, "store", "unavailable",
                    "The store did not confirm the change in time; whether it will be saved is open", false},
    catalogue_entry{errc::store_in_use, "store", "in_use",
                    "The store belongs to another running program; stop that one first", false},
    catalogue_entry{errc::store_not_a_database, "store", "not_a_database",
                    "The file is not a database; choose another path", false},
    catalogue_entry{errc::store_newer_schema, "store", "newer_schema",
                    "The store was written by a newer version of troupe; run that version", false},
    catalogue_entry{errc::store_read_only, "store", "read_only",
                    "The store cannot be written; check the permissions of the file and its directory", false},
    catalogue_entry{errc::store_full, "store", "full", "The disk is full; free some space", false},
    catalogue_entry{errc::store_corrupt, "store", "corrupt", "The store is damaged; restore a backup", false},
    catalogue_entry{errc::store_failed, "store", "failed", "The store failed", false},

    catalogue_entry{
        errc::store_refuses_changes, "store", "refuses_changes",
        "The store takes no changes at present, so this one was refused and nothing was done; see runtime::health",
        false},

    catalogue_entry{errc::invalid_config, "config", "invalid", "The configuration cannot work", false},
    catalogue_entry{errc::runtime_stopped, "runtime", "stopped", "The runtime is shut down", false},

    catalogue_entry{errc::connection_closed, "connection", "closed", "The connection is closed; connect again", true},
    catalogue_entry{errc::connection_lagging, "connection", "lagging",
                    "The connection was closed because its events were not taken; connect again, and catch up", true},
    catalogue_entry{errc::event_not_declared, "event", "not_declared", "The actor has no event of that name", true},

    catalogue_entry{errc::queue_full, "queue", "full", "The queue is full; try again later", true},
    catalogue_entry{errc::queue_message_too_large, "queue", "message_too_large", "The message is too large", true},
    catalogue_entry{errc::queue_not_declared, "queue", "not_declared", "The actor has no queue of that name", true},
    catalogue_entry{errc::queue_already_completed, "queue", "already_completed",
                    "The message was completed before", true},
    catalogue_entry{errc::queue_timed_out, "queue", "timed_out",
                    "Nobody completed the message in time; it stays in the queue", true},
    catalogue_entry{errc::queue_lease_lost, "queue", "lease_lost",
                    "The message was held too long and belongs to another consumer by now", false},
    catalogue_entry{errc::queue_dead_letter, "queue", "dead_letter",
                    "The message failed in all of its attempts, or cannot be decoded", true},
    catalogue_entry{errc::queue_newer_message, "queue", "newer_message",
                    "The message was stored by a newer program; it waits until that runs again", false},

    catalogue_entry{errc::simulation_stuck, "simulation", "stuck",
                    "Nothing can run any more, but what was waited for has not happened: a deadlock or a lost wake-up",
                    false},
    catalogue_entry{errc::simulation_endless, "simulation", "endless",
                    "What was waited for did not happen within the simulation's limits", false},
    catalogue_entry{errc::simulation_left_over, "simulation", "left_over",
                    "Something was left over when the simulated process ended", false},

    catalogue_entry{errc::transport_unreachable, "transport", "unreachable",
                    "The process that has the actor cannot be reached, so nothing was done; try again later", true},
    catalogue_entry{errc::transport_lost, "transport", "lost",
                    "The link to the process that has the actor broke; whether the operation was done is open", true},
};

const catalogue_entry& entry_of(errc number) noexcept {
  for (const auto& e : catalogue) {
    if (e.number == number) return e;
  }
  return catalogue.front();
}

const catalogue_entry* entry_of(std::string_view group, std::string_view code) noexcept {
  for (const auto& e : catalogue) {
    if (group == e.group && code == e.code) return &e;
  }
  return nullptr;
}

}  // namespace

struct error::payload {
  payload(std::string g, std::string c, std::string m, std::string meta, bool pub)
      : group{std::move(g)}, code{std::move(c)}, message{std::move(m)}, metadata{std::move(meta)}, is_public{pub} {
    what = fmt::format("troupe: {}.{}: {}", group, code, message);
    if (!metadata.empty()) what += fmt::format(" {}", metadata);
  }
  std::string group, code, message, metadata, what;
  bool is_public;
};

error::error(errc number, std::string_view detail, std::string metadata) {
  const auto& e = entry_of(number);
  auto message = detail.empty() ? std::string{e.sentence} : fmt::format("{}: {}", e.sentence, detail);
  payload_ = std::make_shared<const payload>(e.group, e.code, std::move(message), std::move(metadata), e.is_public);
}

error::error(std::string group, std::string code, std::string message, std::string metadata) {
  const auto* known = entry_of(group, code);
  const bool is_public = group == "user" || (known != nullptr && known->is_public);
  payload_ = std::make_shared<const payload>(std::move(group), std::move(code), std::move(message),
                                             std::move(metadata), is_public);
}

const std::string& error::group() const noexcept { return payload_->group; }
const std::string& error::code() const noexcept { return payload_->code; }
const std::string& error::message() const noexcept { return payload_->message; }
const std::string& error::metadata() const noexcept { return payload_->metadata; }
const char* error::what() const noexcept { return payload_->what.c_str(); }
bool error::is_public() const noexcept { return payload_->is_public; }

bool error::is(errc number) const noexcept {
  const auto& e = entry_of(number);
  return group() == e.group && code() == e.code;
}

user_error::user_error(std::string message) : error{"user", "user_error", std::move(message)} {}
user_error::user_error(std::string code, std::string message, std::string metadata)
    : error{"user", std::move(code), std::move(message), std::move(metadata)} {}

error to_public_error(const std::exception_ptr& failure) noexcept {
  try {
    std::rethrow_exception(failure);
  } catch (const error& e) {
    if (e.is_public()) return e;
    return error{e.group(), e.code(), entry_of(errc::internal_error).sentence};
  } catch (...) {
    return error{errc::internal_error};
  }
}

}  // namespace v0
}  // namespace troupe
