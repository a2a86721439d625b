// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <troupe/actor/activation.hpp>
#include <troupe/actor/options.hpp>
#include <troupe/actor/queue.hpp>
#include <troupe/codec/json_fwd.hpp>
#include <troupe/codec/names.hpp>
#include <troupe/core/buffer.hpp>
#include <troupe/core/bytes.hpp>
#include <troupe/core/counted_ptr.hpp>

namespace troupe {
inline namespace v0 {

/// How wire names are made from the names of methods.
enum class naming : std::uint8_t {
  as_written,  ///< `send_message` is "send_message"
  camel_case,  ///< `send_message` is "sendMessage"
};
inline constexpr naming camel_case = naming::camel_case;

namespace detail {

struct action_facts;
class actor_part;
class consumer;
class event_record;
struct definition;

/// One action, for those who know it by name only.
struct action_entry {
  std::string name;
  bool exclusive = false;
  const action_facts* facts = nullptr;

  /// An invocation with arguments decoded from a CBOR array. Throws `actor.invalid_request` naming what is wrong.
  untyped_invocation* (*make)(executor& home, const action_entry& entry, bytes_view arguments) = nullptr;
  /// JSON text for `describe`.
  std::string (*schema)() = nullptr;

  // For transports: of a typed invocation of this action.
  /// Appends its arguments as a CBOR array, before it begins.
  void (*encode_arguments)(const untyped_invocation& inv, buffer& out) = nullptr;
  /// Gives it the value that the action has returned elsewhere. Throws `encoding.invalid`.
  void (*decode_value)(untyped_invocation& inv, bytes_view value) = nullptr;
};

/// One event, for those who know it by name only.
struct event_entry {
  std::string name;
  /// JSON text for `describe`: an array of the types of what it carries.
  std::string (*schema)() = nullptr;
  /// Appends what one such event carries, as a CBOR array.
  void (*encode)(const event_record& e, buffer& out) = nullptr;
  /// Makes such an event, at its place in the definition, of a CBOR array. Throws `encoding.invalid`.
  event_record* (*decode)(std::uint32_t place, bytes_view values) = nullptr;
};

/// One queue, for those who know it by name only.
struct queue_entry {
  std::string name;
  queue_options options;
  /// Throws unless this is, as it is stored, a message of this queue; see decode_stored.
  void (*check)(bytes_view message) = nullptr;
  /// JSON text for `describe`.
  std::string (*message_schema)() = nullptr;
  std::string (*result_schema)() = nullptr;
  std::uint32_t message_version = 1;
  /// Makes what hands messages to the queue's handler; null if it has none.
  consumer* (*consume)(executor& home, std::uint32_t queue) = nullptr;
  bool consumer_waits = false;  ///< the handler is a coroutine
};

/// One of the parts of an actor, which are its durable data beside its fields.
struct part_entry {
  std::unique_ptr<actor_part> (*make)(cell& owner) = nullptr;
  bool wakes = false;           ///< a sleeping actor is woken when something in it is due
  bool loads_messages = false;  ///< it gets the messages of the actor's queues when the actor wakes
  /// The store's collections whose rows it gets then, in rising order. No other part has them.
  std::span<const std::uint32_t> collections{};
  std::size_t row_bytes_max = 0;  ///< key and value of one of its rows together have no more bytes
};

/// Parts that an actor type has beside those that its manifest asks for: to be specialised for a type.
template <class A>
inline constexpr std::span<const part_entry> own_parts{};

/// What the runtime knows of an actor type: its manifest, options and how to handle its state. One per registration.
struct definition {
  std::string name;
  const void* type = nullptr;  ///< see type_tag
  std::uint32_t ordinal = 0;   ///< in the registry: what hashes go by, since addresses differ from run to run
  std::vector<action_entry> actions;
  std::vector<event_entry> events;  ///< in the order of `actor::place_of`
  std::vector<queue_entry> queues;  ///< the same
  std::vector<const std::string_view*> services;  ///< what its actors need: see service_tag
  std::vector<part_entry> parts;
  std::vector<std::uint32_t> collections;  ///< of all parts, in rising order
  bool loads_messages = false;             ///< one of them does
  bool is_woken_by_parts = false;          ///< one of them wakes its actors, and they are stored
  troupe::options options;
  std::uint32_t version = 1;
  std::uint32_t input_version = 1;

  /// Makes the live copy, in memory of that size and alignment.
  activation* (*activate)(cell& owner, void* where) = nullptr;
  std::size_t live_bytes = 0;
  std::size_t live_alignment = 0;

  bool always_encodes = true;  ///< see `detail::always_encodes`; else the state is encoded at the end of each turn
  bool has_on_create = false;
  bool takes_input = false;
  bool takes_params = false;  ///< connections bring something
  bool has_handlers = false;  ///< of queues
  bool has_on_wake = false;
  bool has_on_sleep = false;
  bool has_on_destroy = false;
  bool has_on_state_change = false;
  bool has_on_disconnect = false;
  bool has_can_publish = false;
  bool has_can_subscribe = false;
  bool has_run = false;

  /// Brings older state up to `version`; null if the definition has no `migrate`.
  void (*migrate)(json& state, int from) = nullptr;
  std::string (*state_schema)() = nullptr;

  /// Throws unless this is, as it is stored, an input of `on_create`; null if that takes none. See decode_stored.
  void (*check_input)(bytes_view input) = nullptr;
  /// Makes a connection that brings these params, decoded from CBOR; empty: none. Throws `actor.invalid_request`.
  counted_ptr<connection_core> (*make_connection)(const definition& d, bytes_view params) = nullptr;
  /// Appends the params of a connection as CBOR; null if it brings none, or they have no codec: see `takes_params`.
  void (*encode_params)(const connection_core& c, buffer& out) = nullptr;

  [[nodiscard]] const action_entry* find(std::string_view action) const noexcept {
    for (const auto& entry : actions) {
      if (entry.name == action) return &entry;
    }
    return nullptr;
  }
};

// By wire name. Each throws the catalogue's error, which names what was asked for and what there is:
// `actor.action_not_found`, `event.not_declared`, `queue.not_declared`.
[[nodiscard]] const action_entry& require_action(const definition& d, std::string_view name);
[[nodiscard]] std::uint32_t require_event(const definition& d, std::string_view name);
[[nodiscard]] std::uint32_t require_queue(const definition& d, std::string_view name);

/// A part of an error's sentence: "there are "a", "b"", or that there is none.
[[nodiscard]] std::string list_names(const std::vector<std::string_view>& names);

/// Its address stands for the type; its value is the name, for people.
template <class A>
inline constexpr std::string_view type_tag = type_name<A>();

[[nodiscard]] std::string wire_name(std::string_view written, naming policy);

/// The part that has the messages of the actor's queues.
[[nodiscard]] part_entry queue_part(const definition& d) noexcept;

/// The manifest as JSON text.
[[nodiscard]] std::string describe(const definition& d);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
