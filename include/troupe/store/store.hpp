// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <troupe/core/actor_id.hpp>
#include <troupe/core/bytes.hpp>
#include <troupe/core/key.hpp>
#include <troupe/core/tags.hpp>

namespace troupe {
inline namespace v0 {

/// A message in one of an actor's queues.
struct message_record {
  std::uint64_t id = 0;        ///< 1 to 2^63 - 1; rises in the order of arrival; never used again for this actor
  std::string queue;           ///< wire name
  bool dead = false;           ///< a dead letter: it failed in all of its attempts
  std::uint32_t attempts = 0;  ///< that have begun
  std::chrono::sys_time<std::chrono::milliseconds> created_at{};
  std::chrono::sys_time<std::chrono::milliseconds> due_at{};  ///< not to be received earlier
  bytes body{};  ///< CBOR
};

/// A row of one of an actor's parts, which are its durable data beside its state. A store knows a part by the number of
/// its collection, and keeps the rows of each in the order of their keys: bytes without a sign, a key before those that
/// it begins.
struct part_record {
  std::uint32_t collection = 0;
  bytes key{};    ///< may be empty
  bytes value{};  ///< for the runtime alone; may be empty
  std::optional<std::chrono::sys_time<std::chrono::milliseconds>> due{};  ///< if so, `store::list_due` has it
};

/// One actor as the store has it.
struct actor_record {
  actor_id id;
  std::string name;                     ///< the definition's wire name
  std::string key;                      ///< canonical form, see `troupe::key`
  bool initialised = false;             ///< `on_create` has run to its end; until then `state` is empty
  std::uint32_t version = 1;            ///< the version of the state's shape
  bytes state;                          ///< CBOR
  std::optional<bytes> input;           ///< CBOR of the creation input; dropped once initialised
  tags labels;
  std::chrono::sys_time<std::chrono::milliseconds> created_at{};
  std::vector<message_record> messages;  ///< in the order of their ids; only if they were asked for
  std::vector<part_record> parts;  ///< in the order of their collections and keys; only of those that were asked for
};

/// A row of an actor's part as it is from now on, new or not; or, without a value, that it is gone.
struct part_change {
  std::uint32_t collection = 0;
  bytes_view key{};
  std::optional<bytes_view> value{};
  std::optional<std::chrono::sys_time<std::chrono::milliseconds>> due{};  ///< looked at if there is a value
};

/// What one actor changed since its last commit. A store applies it whole or not at all.
///
/// `create` inserts a row, `update` replaces state, version and the initialised mark of an existing row (and drops its
/// input once initialised), `keep` leaves the row as it is, `destroy` deletes everything the actor has. Beside that
/// each carries changes of the actor's queues and parts, and of what is on its way from it to others' queues. The views
/// are valid until the commit completes.
///
/// A message that an actor sends is `outgoing`, a row of its own and not of the actor, from the commit of the turn that
/// sent it until the commit in which the receiver takes it into its queue: then one write-set has it in `arrived` and
/// in `messages`. So it is never lost and never there twice.
struct write_set {
  enum class action : std::uint8_t { create, update, keep, destroy };

  /// A message as it is from now on, new or not. One that is there keeps its body and its time of creation.
  struct message {
    std::uint64_t id = 0;
    std::string_view queue;
    bool dead = false;
    std::uint32_t attempts = 0;
    std::chrono::sys_time<std::chrono::milliseconds> created_at{};  ///< looked at if it is new
    std::chrono::sys_time<std::chrono::milliseconds> due_at{};
    bytes_view body{};  ///< looked at if it is new
  };
  struct sent_message {
    std::uint64_t id = 0;  ///< 1 to 2^63 - 1; unique in the store, for ever
    bytes_view content{};  ///< for the runtime alone
  };

  action what = action::update;
  bool initialised = true;
  std::uint32_t version = 1;
  actor_id id{};
  bytes_view state{};

  /// Looked at by `create` only.
  struct creation {
    std::string_view name;
    std::string_view key;
    std::optional<bytes_view> input;
    const tags* labels = nullptr;
    std::chrono::sys_time<std::chrono::milliseconds> created_at{};
  };
  const creation* created = nullptr;

  const tags* labels = nullptr;  ///< all tags of the actor from now on; null: as they are; not with `destroy`

  std::span<const message> messages{};       ///< to insert, or to replace; not with `destroy`
  std::span<const std::uint64_t> removed{};  ///< ids of messages to delete; unknown ones are not there any more
  std::span<const sent_message> sent{};      ///< outgoing messages to insert
  std::span<const std::uint64_t> arrived{};  ///< ids of outgoing messages to delete, whoever sent them
  std::span<const part_change> parts{};      ///< in this order: the last one of a row counts; not with `destroy`
};

/// Asks for one actor, by id or by name and key. The store calls `done` exactly once, maybe before `load` returns, on
/// any thread; then `found` or `failure` is set, or neither if there is no such actor. The requester keeps the object
/// alive until then.
struct load_request {
  std::optional<actor_id> id;  ///< if set, name and key are not looked at
  std::string_view name;
  std::string_view key;
  bool with_messages = false;  ///< `actor_record::messages` is wanted
  /// The collections whose rows are wanted in `actor_record::parts`, each once, in rising order. Others are not read.
  std::span<const std::uint32_t> with_parts{};

  std::optional<actor_record> found;
  std::exception_ptr failure;

  void (*done)(load_request&) noexcept = nullptr;
  load_request* next = nullptr;  ///< the requester's, and in `store::load_all` the one that is asked together with it
};

/// Asks for a page of actors of one definition, in the order of their ids (that is, of their creation).
struct list_request {
  std::string_view name;
  const tags* labels = nullptr;     ///< only actors that carry all of these; null: all actors
  std::optional<actor_id> after;    ///< only ids behind this one
  std::size_t limit = 100;

  std::vector<actor_record> found;  ///< without `state` and `input`
  std::exception_ptr failure;

  void (*done)(list_request&) noexcept = nullptr;
};

/// Asks for a page of the outgoing messages, in the order of their ids: what the process that ended had not brought to
/// its receivers.
struct outgoing_request {
  struct message {
    std::uint64_t id = 0;
    bytes content{};
  };

  std::uint64_t after = 0;  ///< only ids behind this one
  std::size_t limit = 100;

  std::vector<message> found;
  std::exception_ptr failure;

  void (*done)(outgoing_request&) noexcept = nullptr;
};

/// Asks for a page of the actors that have messages in their queues, in the order of their ids. Dead letters do not
/// count.
struct waiting_request {
  struct actor {
    actor_id id;
    std::string name;  ///< the definition's wire name
    std::string key;
    std::chrono::sys_time<std::chrono::milliseconds> due_at{};  ///< of the message that is due first
    /// The least time from a message's `created_at` to its `due_at`. After a restart nothing waits for longer than its
    /// whole delay once more, even if the wall clock has been set back; with zero the actor is woken at once to look.
    std::chrono::milliseconds shortest_delay{0};
  };

  std::optional<actor_id> after;
  std::size_t limit = 100;

  std::vector<actor> found;
  std::exception_ptr failure;

  void (*done)(waiting_request&) noexcept = nullptr;
};

/// Asks for a page of the rows of one collection of an actor, in the order of their keys or the other way round. There
/// are none if there is no such actor. The views are valid until the answer.
///
/// The next page begins with the last key and a zero byte behind it; in reverse, it ends before the last key.
struct parts_request {
  actor_id actor{};
  std::uint32_t collection = 0;
  bytes_view from{};                  ///< no key before this one
  std::optional<bytes_view> until{};  ///< neither this key nor one behind it; if not set, all to the end
  bool reverse = false;               ///< with the last one first, so that a page has those at the end of the range
  std::size_t limit = 100;

  std::vector<part_record> found{};
  std::exception_ptr failure{};

  void (*done)(parts_request&) noexcept = nullptr;
};

/// Asks for a page of the rows of all actors' parts that have a due time, in the order of time: those to be awaited
/// first. Rows of one time are in the order of actors, collections and keys. The values are not read.
struct due_request {
  /// What the order goes by, from the first to the last.
  struct place {
    std::chrono::sys_time<std::chrono::milliseconds> due{};
    actor_id actor{};
    std::uint32_t collection = 0;
    bytes key{};

    friend auto operator<=>(const place&, const place&) = default;
  };
  struct row : place {
    std::string actor_name{};  ///< the wire name of the actor's definition
    std::string actor_key{};
  };

  std::optional<place> after{};  ///< only rows behind this one, whether or not it is still there
  std::size_t limit = 100;

  std::vector<row> found{};
  std::exception_ptr failure{};

  void (*done)(due_request&) noexcept = nullptr;
};

/// The changes that become durable together.
enum class commit_cut : std::uint8_t {
  whole_store,  ///< all that a request has: many actors at once, and requests come one after the other
  per_actor,    ///< the changes of one actor: a request has no more, and requests of many actors are under way at once
};

/// The traits of a store, for the runtime that opens it.
struct store_traits {
  commit_cut cut = commit_cut::whole_store;
};

/// Hands over an epoch: write-sets that become durable together. Within one request, destroys are applied before
/// creates, so that a key can be freed and taken again in one epoch. No two write-sets name the same id.
///
/// Then come `messages`, `parts` and `sent`, and last `removed`, `arrived` and `undeliverable`: what one write-set
/// sends another may take in the same epoch.
///
/// Destroying an actor that has no row does nothing, and neither does deleting a message or the row of a part that is
/// not there. Updating or keeping an actor that has no row, creating one whose id or name and key are taken, naming an
/// id twice, giving messages or tags to an actor that is destroyed or changing its parts, sending a message whose id is
/// on its way already, and ids of messages out of their range are mistakes of the caller, and a value over
/// `store::value_bytes_max` is one: the whole request is `refused` with `store.failed`.
///
/// A store of `commit_cut::per_actor` gets either one write-set, whose `arrived` is empty, or `undeliverable` alone. So
/// the outcome of a request is the outcome of that actor's changes, and says nothing about other actors. A request of
/// `undeliverable` belongs to no actor: it is `committed`, `failed` or `unknown`, and is made again until it succeeds.
struct commit_request {
  /// After the last three, a runtime on a store of `commit_cut::whole_store` stops for good. On one of
  /// `commit_cut::per_actor` the actor ends, and wakes again with what the store has.
  enum class outcome : std::uint8_t {
    committed,  ///< durable
    failed,     ///< nothing was written, and the cause may go away (a full disk, a lock): the request is made again
    refused,    ///< nothing was written, and the same request would always be refused
    not_owner,  ///< nothing was written, since the store, or the actor, belongs to another by now
    unknown,    ///< the store cannot tell. The request was written before `done`, or never will be.
  };

  std::uint64_t epoch = 0;
  std::vector<write_set> writes;
  std::vector<std::uint64_t> undeliverable;  ///< ids of outgoing messages to delete: they have no receiver

  outcome result = outcome::failed;
  std::exception_ptr failure;  ///< set unless committed
  const write_set* at_fault = nullptr;  ///< if refused: the one of `writes` that the store does not take, if it is one

  void (*done)(commit_request&) noexcept = nullptr;
};

/// Where actors live while no process runs them: a few verbs, written for batches.
///
/// A store promises: a committed request survives what its durability setting says it survives; a request that failed
/// left no trace; after reopening, every actor is as some committed request left it; at any time one runtime owns it.
/// A store does not promise anything about requests that were in flight when the process died: each is there whole or
/// not at all. `troupe::testing::check_store` tries every sentence of this on a store of your own.
///
/// Nothing here may assume a local, blocking store: answers arrive through `done`. Loads and lists may be called from
/// any threads at once, see every request whose `done` has been called, and are each of one moment. `commit` is called
/// on the executor's I/O lane, where it may block. A store of `commit_cut::whole_store` gets one request at a time. One
/// of `commit_cut::per_actor` gets the next while others are under way, though never two of one actor, and calls `done`
/// late, on any thread, and in any order: `commit` of such a store ought to return before the answer is there.
class store {
 public:
  virtual ~store() = default;

  store() = default;
  store(const store&) = delete;
  store& operator=(const store&) = delete;

  virtual void load(load_request& request) noexcept = 0;

  /// The same for a crowd that wakes together: `first`, and those to which `next` leads from it. Each has its own
  /// answer. For stores to which it makes a difference.
  virtual void load_all(load_request& first) noexcept {
    for (load_request* each = &first; each != nullptr;) load(*std::exchange(each, each->next));
  }

  virtual void list(list_request& request) noexcept = 0;
  virtual void list_outgoing(outgoing_request& request) noexcept = 0;
  virtual void list_waiting(waiting_request& request) noexcept = 0;
  virtual void list_parts(parts_request& request) noexcept = 0;
  virtual void list_due(due_request& request) noexcept = 0;

  /// How many times the store has been opened, this time included. A fixed number while it is open, and higher than all
  /// before: what it is part of is never made again.
  [[nodiscard]] virtual std::uint64_t opening() const noexcept = 0;

  virtual void commit(commit_request& request) noexcept = 0;

  /// Fixed while the store is open. A store that was written with one cut must not be opened with the other: a message
  /// that was on its way might arrive twice.
  [[nodiscard]] virtual store_traits traits() const noexcept { return {}; }

  /// The most bytes that a state, an input, a message in a queue or on its way, or key and value of the row of a part
  /// together may have. A fixed number while the store is open. A runtime refuses to serve actors whose options allow
  /// more, so that no commit is refused for it.
  [[nodiscard]] virtual std::size_t value_bytes_max() const noexcept {
    return std::numeric_limits<std::size_t>::max();
  }

  /// Writes a consistent copy of everything to `path`, which must not exist. Blocks; throws `troupe::error`.
  virtual void backup(const std::string& path) = 0;

  /// Gives up ownership. Called once; blocks; throws nothing. The last commit has completed, unless a shutdown has run
  /// out of time: then a store of `commit_cut::per_actor` calls `done` of those that are under way before this returns.
  virtual void close() noexcept = 0;
};

/// Opens a store, that is, takes ownership of it. Throws `troupe::error` when that cannot be: `store.in_use`,
/// `store.not_a_database`, `store.newer_schema`, `store.read_only`, `store.full`, `store.corrupt`, `store.failed`.
using store_factory = std::function<std::unique_ptr<store>()>;

}  // namespace v0
}  // namespace troupe
