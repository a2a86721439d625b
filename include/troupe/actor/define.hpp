// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include <troupe/actor/action.hpp>
#include <troupe/actor/connection_core.hpp>
#include <troupe/actor/consumer.hpp>
#include <troupe/actor/context.hpp>
#include <troupe/actor/definition.hpp>
#include <troupe/actor/hooks.hpp>
#include <troupe/actor/manifest.hpp>
#include <troupe/actor/needs.hpp>
#include <troupe/actor/signature.hpp>
#include <troupe/actor/stored_version.hpp>
#include <troupe/actor/typed_activation.hpp>
#include <troupe/codec/check.hpp>
#include <troupe/codec/codec.hpp>
#include <troupe/codec/reflect.hpp>
#include <troupe/codec/schema.hpp>
#include <troupe/core/assert.hpp>
#include <troupe/core/buffer.hpp>
#include <troupe/core/bytes.hpp>
#include <troupe/core/counted_ptr.hpp>
#include <troupe/core/error.hpp>

/// \file
/// From a user's struct to a `definition`: everything about an actor type that needs the type.

namespace troupe {
inline namespace v0 {
namespace detail {

template <class T>
concept options_type = std::is_same_v<std::remove_cvref_t<T>, troupe::options>;

// A member that is nearly named like one that means something, and is of its kind. A state may have members of such
// names.
#define TROUPE_DETAIL_OPTIONS_NAMED(name)                                             \
  static_assert(has_options<A> || !requires { requires options_type<decltype(A::name)>; }, \
                "troupe: the member is named options, not " #name);
#define TROUPE_DETAIL_VERSION_NAMED(name)                                                        \
  static_assert(has_version<A> || !requires { typename std::bool_constant<(A::name >= 1)>; }, \
                "troupe: the member is named version, not " #name);
#define TROUPE_DETAIL_MIGRATE_NAMED(name)                                             \
  static_assert(has_migrate<A> || !requires(json& state) { A::name(state, 1); }, \
                "troupe: the member is named migrate, not " #name);

template <class A>
consteval bool check_members() {
  static_assert(!has_version<A> || requires { A::version; } || requires { typename A::version; },
                "troupe: `version` is private and has no effect; make it public, or give it another name");
  static_assert(!has_options<A> || requires { A::options; } || requires { typename A::options; },
                "troupe: `options` is private and has no effect; make it public, or give it another name");
  static_assert(!has_migrate<A> || has_version<A>,
                "troupe: migrate is never called, since the actor has no version; give it `static constexpr int "
                "version = 2;`, more than that of the state that is to be migrated");
  TROUPE_DETAIL_OPTIONS_NAMED(option)
  TROUPE_DETAIL_OPTIONS_NAMED(opts)
  TROUPE_DETAIL_VERSION_NAMED(versions)
  TROUPE_DETAIL_VERSION_NAMED(schema_version)
  TROUPE_DETAIL_VERSION_NAMED(state_version)
  TROUPE_DETAIL_MIGRATE_NAMED(migration)
  TROUPE_DETAIL_MIGRATE_NAMED(migrations)
  TROUPE_DETAIL_MIGRATE_NAMED(migrate_state)
  TROUPE_DETAIL_MIGRATE_NAMED(on_migrate)
  return true;
}

#undef TROUPE_DETAIL_OPTIONS_NAMED
#undef TROUPE_DETAIL_VERSION_NAMED
#undef TROUPE_DETAIL_MIGRATE_NAMED

// An error in a manifest leaves the struct without one: the sentence covers that, too.
template <class A>
consteval bool check_manifest() {
  static_assert(std::is_class_v<A>, "troupe: an actor is a struct");
  if constexpr (std::is_class_v<A>) {
    constexpr bool is_open = !std::is_final_v<A>;
    static_assert(is_open, "troupe: an actor may not be final, since its hooks are found by deriving from it");
    static_assert(has_manifest<A> || !is_open || !has_actor<A>,
                  "troupe: the actor's manifest is private, or no troupe::actor<...>; it is a public "
                  "`using actor = troupe::actor<Self, &Self::action, ...>;`");
    static_assert(has_manifest<A> || !is_open || has_actor<A>,
                  "troupe: the actor has no manifest, or one with an error of which the compiler tells above; write "
                  "`using actor = troupe::actor<Self, &Self::action, ...>;` below the methods that it lists, none of "
                  "them overloaded");
    return is_open && has_manifest<A>;
  } else {
    return false;
  }
}

template <class A>
consteval bool check_actor() {
  if constexpr (check_manifest<A>()) {
    constexpr bool own = std::is_same_v<typename A::actor::state_type, A>;
    constexpr bool makeable = std::is_default_constructible_v<A>;
    static_assert(own, "troupe: the first argument of troupe::actor<...> is the struct itself");
    static_assert(makeable, "troupe: an actor is made without arguments; set it up in on_create, from its input");
    return check_hooks<A>() && check_members<A>() && own && makeable;
  } else {
    return false;
  }
}

// A value that the compiler knows: a member that is not static, or not constexpr, is none.
template <class A>
concept has_constant_options = requires {
  typename std::bool_constant<(static_cast<void>(troupe::options{A::options}), true)>;
};
template <class A>
concept has_constant_version = requires { typename std::bool_constant<(A::version >= 1)>; };

template <class A>
constexpr troupe::options options_of() {
  if constexpr (requires { A::options; }) {
    static_assert(has_constant_options<A>, "troupe: `options` is `static constexpr troupe::options options{...};`");
    if constexpr (has_constant_options<A>) return A::options;
  }
  return {};
}

template <class A>
constexpr std::uint32_t version_of() {
  if constexpr (requires { A::version; }) {
    if constexpr (has_constant_version<A>) {
      static_assert(std::is_integral_v<std::remove_cvref_t<decltype(A::version)>> && A::version >= 1,
                    "troupe: `version` is `static constexpr int version = 2;`, 1 or more");
      return static_cast<std::uint32_t>(A::version);
    } else {
      static_assert(has_constant_version<A>, "troupe: `version` is `static constexpr int version = 2;`, 1 or more");
    }
  }
  return 1;
}

/// The three throw `actor.invalid_request`, naming the action and, if it is one, the argument.
[[nodiscard]] bool open_arguments(cbor_reader& reader, std::string_view action, std::size_t wanted);
void close_arguments(cbor_reader& reader, std::string_view action, bool open_ended);
[[noreturn]] void refuse_argument(std::string_view action, std::size_t index, const error& why);

template <class Tuple>
void read_arguments(cbor_reader& reader, std::string_view action, Tuple& arguments) {
  const bool open_ended = open_arguments(reader, action, std::tuple_size_v<Tuple>);
  [[maybe_unused]] std::size_t index = 0;
  [[maybe_unused]] const auto one = [&](auto& argument) {
    try {
      read(reader, argument);
    } catch (const error& e) {
      refuse_argument(action, index, e);
    }
    ++index;
  };
  std::apply([&](auto&... each) { (one(each), ...); }, arguments);
  close_arguments(reader, action, open_ended);
}

template <class V, class Arguments>
untyped_invocation* make_untyped(executor& home, const action_entry& entry, bytes_view encoded) {
  Arguments arguments{};
  cbor_reader reader{encoded};
  read_arguments(reader, entry.name, arguments);
  const auto& code = static_cast<const action_code<V, Arguments>&>(*entry.facts);
  return new typed_invocation<V, Arguments>{home, code, entry.exclusive, std::move(arguments)};
}

// Both are of an invocation that has this action's code, and so these types.
template <class V, class Arguments>
void encode_arguments(const untyped_invocation& inv, buffer& out) {
  troupe::encode(static_cast<const typed_invocation<V, Arguments>&>(inv).arguments(), out);
}

template <class V, class Arguments>
void decode_value(untyped_invocation& inv, bytes_view value) {
  if constexpr (std::is_void_v<V>) {
    static_cast<void>(troupe::decode<std::monostate>(value));
  } else {
    static_cast<typed_invocation<V, Arguments>&>(inv).give(troupe::decode<V>(value));
  }
}

// None for a value that can be written only: it cannot come from elsewhere.
template <class V, class Arguments>
consteval auto decoder_of_value() -> void (*)(untyped_invocation&, bytes_view) {
  if constexpr (std::is_void_v<V>) {
    return &decode_value<V, Arguments>;
  } else if constexpr (readable<V> && std::is_default_constructible_v<V>) {
    return &decode_value<V, Arguments>;
  } else {
    return nullptr;
  }
}

template <class A, auto Method>
consteval bool is_run_loop() {
  if constexpr (has_run<A> && requires { &A::run; }) return same_method<Method, &A::run>;
  return false;
}

template <class A, auto Method>
consteval bool check_method() {
  if constexpr (!known_method<decltype(Method)>) {
    return false;  // entry_traits has said so
  } else {
    using traits = method_traits<decltype(Method)>;
    constexpr bool own = std::is_base_of_v<typename traits::object, A>;
    constexpr bool own_context = !traits::takes_context || takes_context_of<A, decltype(Method)>;
    static_assert(own, "troupe: the manifest lists a method of another struct");
    constexpr bool callable = !is_run_loop<A, Method>();
    static_assert(own_context, "troupe: the context of an action is that of its own actor: troupe::context<Self>&");
    static_assert(callable, "troupe: run is the actor's run loop, which begins by itself; it is not an action");
    return check_action<Method>() && own && own_context && callable;
  }
}

template <class A, auto Entry>
consteval bool check_entry() {
  if constexpr (is_consumes_entry<std::remove_cv_t<decltype(Entry)>>) {
    static_assert(entry_traits<Entry>::is_well_formed,
                  "troupe: troupe::consumes takes a queue of the actor and the method that handles its messages: "
                  "troupe::consumes<jobs, &worker::on_job>");
    if constexpr (entry_traits<Entry>::is_well_formed) return check_handler<A, Entry>();
    return false;
  } else if constexpr (entry_traits<Entry>::kind != entry_kind::action) {
    return true;
  } else {
    return check_method<A, entry_traits<Entry>::method>();
  }
}

template <class Values>
std::string values_schema() {
  std::string out = "[";
  []<class... T>(std::string& text, std::type_identity<std::tuple<T...>>) {
    [[maybe_unused]] bool first = true;
    ((text += first ? "" : ",", text += type_schema<T>(), first = false), ...);
  }(out, std::type_identity<Values>{});
  return out += "]";
}

template <class T>
std::string value_schema() {
  if constexpr (std::is_void_v<T>) {
    return "null";
  } else {
    return type_schema<T>();
  }
}

template <class V, class Arguments>
std::string action_schema() {
  std::string out = R"({"arguments":)";
  out += values_schema<Arguments>();
  out += R"(,"result":)";
  out += value_schema<V>();
  return out += "}";
}

// Whether on_before_reply takes what the action returns.
template <class A, auto Method>
consteval bool observes_method() {
  using value = value_of<Method>;
  if constexpr (std::is_void_v<value>) return false;
  else return observes_reply<A, value>;
}
template <class A, auto Entry>
consteval bool observes_entry() {
  if constexpr (entry_traits<Entry>::kind != entry_kind::action) return false;
  else return observes_method<A, entry_traits<Entry>::method>();
}

/// An entry of a manifest, as the compiler knows it: what `add_entries` makes the definition's entries of.
struct entry_facts {
  entry_kind kind = entry_kind::action;
  std::string_view name{};  ///< of an action that has one of its own, an event or a queue; else empty
  bool exclusive = false;  ///< of an action
  const action_facts* action = nullptr;
  untyped_invocation* (*make)(executor& home, const action_entry& entry, bytes_view arguments) = nullptr;
  std::string (*schema)() = nullptr;  ///< of an action or event; of a queue, that of its messages
  std::string (*result_schema)() = nullptr;  ///< of a queue
  void (*encode_arguments)(const untyped_invocation& inv, buffer& out) = nullptr;  ///< of an action, as the next
  void (*decode_value)(untyped_invocation& inv, bytes_view value) = nullptr;
  void (*encode)(const event_record& e, buffer& out) = nullptr;  ///< of an event, as the next
  event_record* (*decode)(std::uint32_t place, bytes_view values) = nullptr;
  void (*check)(bytes_view message) = nullptr;
  std::uint32_t message_version = 1;
  queue_options options = {};
  consumer* (*consume)(executor& home, std::uint32_t queue) = nullptr;
  bool consumer_waits = false;
  std::span<const std::string_view* const> services = {};
};

void add_entries(definition& d, std::span<const entry_facts> entries, naming policy);

constexpr std::string_view name_of(const entry_facts& entry) noexcept {
  return entry.name.empty() && entry.action != nullptr ? entry.action->name : entry.name;
}

// Whether no two entries of one kind have one name. More can only be the same once they are in camel case.
constexpr bool names_differ(std::span<const entry_facts> entries) noexcept {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const bool alike = entries[i].kind == entries[j].kind && entries[i].kind != entry_kind::services;
      if (alike && name_of(entries[i]) == name_of(entries[j])) return false;
    }
  }
  return true;
}

// An entry with an error is no constant for clang, which has told of it then.
template <const auto& Entries>
concept known_entries = requires { typename std::bool_constant<names_differ(Entries)>; };

template <class Message>
void check_encoded(bytes_view message) {
  static_cast<void>(decode_stored<Message>(message));
}

template <class Values>
void encode_event(const event_record& e, buffer& out) {
  troupe::encode(static_cast<const typed_event<Values>&>(e).values, out);
}

template <class Values>
event_record* decode_event(std::uint32_t place, bytes_view values) {
  return std::apply([&](auto&&... each) -> event_record* { return new typed_event<Values>{place, std::move(each)...}; },
                    troupe::decode<Values>(values));
}

// None for an event with a value that can be written only: it cannot come from elsewhere.
template <class Values>
consteval auto decoder_of_event() -> event_record* (*)(std::uint32_t, bytes_view) {
  if constexpr (readable<Values> && std::is_default_constructible_v<Values>) {
    return &decode_event<Values>;
  } else {
    return nullptr;
  }
}

/// The connections of an actor that asks for nothing and keeps nothing about them.
[[nodiscard]] counted_ptr<connection_core> make_plain_connection(const definition& d, bytes_view params);
// Errors about params, each `actor.invalid_request`: some were given where none are taken; they do not fit; their type
// cannot be read.
void require_no_params(const definition& d, bytes_view params);
[[noreturn]] void refuse_params(const definition& d, const error& why);
[[noreturn]] void refuse_params_without_codec(const definition& d);
/// The params; a CBOR null if none were given.
[[nodiscard]] bytes_view params_or_null(bytes_view params) noexcept;

template <class A>
counted_ptr<connection_core> make_connection(const definition& d, [[maybe_unused]] bytes_view params) {
  using params_type = connection_params<A>;
  const auto made = counted_ptr<typed_connection<A>>::adopt(new typed_connection<A>);
  if constexpr (std::is_void_v<params_type>) {
    require_no_params(d, params);
  } else if constexpr (readable<params_type> && std::is_default_constructible_v<params_type>) {
    try {
      made->params.emplace(troupe::decode<params_type>(params_or_null(params)));
    } catch (const error& e) {
      refuse_params(d, e);
    }
  } else {
    refuse_params_without_codec(d);
  }
  return counted_ptr<connection_core>{*made};
}

template <class A>
void encode_params(const connection_core& c, buffer& out) {
  const auto& params = static_cast<const typed_connection<A>&>(c).params;
  TROUPE_ASSERT(params.has_value(), "a connection brings its params before it opens");
  troupe::encode(*params, out);
}

template <class A, auto Entry>
consteval entry_facts facts_of_entry() {
  using type = listed_type<Entry>;
  using traits = entry_traits<Entry>;
  entry_facts facts{.kind = traits::kind};
  if constexpr (traits::kind == entry_kind::services) {
    facts.services = traits::tags;
  } else if constexpr (traits::kind == entry_kind::event) {
    facts.name = type::name;
    facts.schema = &values_schema<typename type::values>;
    facts.encode = &encode_event<typename type::values>;
    facts.decode = decoder_of_event<typename type::values>();
  } else if constexpr (traits::kind == entry_kind::queue) {
    facts.name = type::name;
    facts.schema = &value_schema<typename type::message_type>;
    facts.result_schema = &value_schema<typename type::result_type>;
    facts.check = &check_encoded<typename type::message_type>;
    facts.message_version = stored_version<typename type::message_type>();
    if constexpr (is_consumes_entry<std::remove_cv_t<decltype(Entry)>>) {
      facts.options = traits::queue.options();
      facts.consume = &typed_consumer<A, Entry>::make;
      facts.consumer_waits = handler_traits<Entry>::is_coroutine;
    } else {
      facts.options = Entry.options();
    }
  } else {
    using value = value_of<traits::method>;
    using arguments = call_arguments<traits::method>;
    static_assert(!traits::own_name.empty() || is_identifier(spelled_method<traits::method>()),
                  "troupe: this action is an operator, which has no name to be called by; give it one with "
                  "troupe::named<...>");
    facts.name = traits::own_name;
    facts.exclusive = traits::is_exclusive;
    facts.action = &code_of<A, traits::method>;
    facts.make = &make_untyped<value, arguments>;
    facts.encode_arguments = &encode_arguments<value, arguments>;
    facts.decode_value = decoder_of_value<value, arguments>();
    facts.schema = &action_schema<value, arguments>;
  }
  return facts;
}

/// Throws `config.invalid` for what only shows at run time: empty and duplicate names.
void check_definition(const definition& d);

template <class A>
definition define(std::string name, naming policy) {
  definition d;
  if constexpr (check_actor<A>()) {
    d.name = std::move(name);
    d.type = &type_tag<A>;
    d.options = options_of<A>();
    d.version = version_of<A>();
    d.activate = [](cell& owner, void* where) -> activation* { return new (where) typed_activation<A>{owner}; };
    d.live_bytes = sizeof(typed_activation<A>);
    d.live_alignment = alignof(typed_activation<A>);
    d.always_encodes = always_encodes<A>;
    d.has_on_create = has_on_create<A>;
    d.takes_input = !std::is_void_v<input_type<A>>;
    d.input_version = stored_version<input_type<A>>();
    if constexpr (!std::is_void_v<input_type<A>>) d.check_input = &check_encoded<input_type<A>>;
    d.takes_params = !std::is_void_v<connection_params<A>>;
    if constexpr (std::is_void_v<connection_params<A>> && std::is_void_v<connection_state<A>>) {
      d.make_connection = &make_plain_connection;
    } else {
      d.make_connection = &make_connection<A>;
    }
    if constexpr (!std::is_void_v<connection_params<A>>) {
      if constexpr (writable<connection_params<A>>) d.encode_params = &encode_params<A>;
    }
    d.has_on_wake = has_on_wake<A>;
    d.has_on_sleep = has_on_sleep<A>;
    d.has_on_destroy = has_on_destroy<A>;
    d.has_on_state_change = has_on_state_change<A>;
    if constexpr (has_migrate<A>) {
      static_assert(requires(json& state) { A::migrate(state, 1); },
                    "troupe: migrate is `static void migrate(troupe::json& state, int from)`, and public");
      d.migrate = [](json& state, int from) { A::migrate(state, from); };
    }
    d.state_schema = &type_schema<A>;
    d.has_on_disconnect = has_on_disconnect<A>;
    d.has_can_publish = has_can_publish<A>;
    d.has_can_subscribe = has_can_subscribe<A>;
    d.has_run = has_run<A>;
    A::actor::with_entries([&]<auto... Entries>() {
      if constexpr ((check_entry<A, Entries>() && ...)) {
        static_assert(!has_on_before_reply<A> || (observes_entry<A, Entries>() || ...),
                      "troupe: on_before_reply gets to see no reply: it is private, or takes none of the types that "
                      "the actions of the manifest return");
        static constexpr std::array<entry_facts, sizeof...(Entries)> entries{facts_of_entry<A, Entries>()...};
        if constexpr (known_entries<entries>) {
          static_assert(names_differ(entries),
                        "troupe: two actions, events or queues of the manifest have one name; give one another name, "
                        "an action with troupe::named<...>");
        }
        add_entries(d, entries, policy);
      }
    });
    d.parts.insert(d.parts.end(), own_parts<A>.begin(), own_parts<A>.end());
    check_definition(d);
  }
  return d;
}

}  // namespace detail

/// The manifest of an actor as JSON text: actions with their argument and result types, events, queues, state fields,
/// version. Names on the wire and in the store are the identifiers in the source, so a rename is a data change:
/// compare this with a committed file (`troupe::testing::matches_file`) to notice.
template <class A>
[[nodiscard]] std::string describe() {
  return detail::describe(detail::define<A>(std::string{type_name<A>()}, naming::as_written));
}

}  // namespace v0
}  // namespace troupe
