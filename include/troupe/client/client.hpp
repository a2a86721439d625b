// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <troupe/actor/define.hpp>
#include <troupe/actor/listing.hpp>
#include <troupe/actor/transport.hpp>
#include <troupe/client/handle.hpp>
#include <troupe/client/lookup.hpp>
#include <troupe/core/task.hpp>

namespace troupe {
inline namespace v0 {

class client;
class untyped_handle;

namespace detail {

/// The transport that brings the calls of a client's handles to their actors.
[[nodiscard]] const std::shared_ptr<transport>& transport_of(const client& c) noexcept;

[[nodiscard]] handle_core address_key(const std::shared_ptr<transport>& over, const void* type,
                                      address::intent how, troupe::key&& key);
[[nodiscard]] handle_core address_key(const std::shared_ptr<transport>& over, const void* type,
                                      address::intent how, troupe::key&& key, std::optional<bytes> input, tags labels);
[[nodiscard]] handle_core address_id(const std::shared_ptr<transport>& over, const void* type, const actor_id& id);
/// The same by the name of the definition. An empty input is none. Throws `actor.not_registered`, naming what there is,
/// and `actor.invalid_request` for an input that does not fit.
[[nodiscard]] handle_core address_key(const std::shared_ptr<transport>& over, std::string_view type,
                                      address::intent how, troupe::key&& key, bytes_view input, tags labels);
[[nodiscard]] handle_core address_id(const std::shared_ptr<transport>& over, std::string_view type,
                                     const actor_id& id);
/// Creates, and yields a handle of the new actor's id.
[[nodiscard]] task<handle_core> create(handle_core to);
[[nodiscard]] task<> destroy_actor(handle_core which);
/// The state as CBOR: see `client::read`.
[[nodiscard]] task<std::optional<bytes>> read_state(handle_core of);
[[nodiscard]] task<std::vector<actor_summary>> list_actors(std::shared_ptr<transport> over, const void* type,
                                                           std::optional<tags> labels, page p);
[[nodiscard]] task<std::vector<actor_summary>> list_actors(std::shared_ptr<transport> over, std::string_view type,
                                                           std::optional<tags> labels, page p);

template <class A, class... Input>
std::optional<bytes> encode_input(Input&&... input) {
  using wanted = input_type<A>;
  static_assert(!std::is_void_v<wanted>, "troupe: this actor's on_create takes no input");
  if constexpr (!std::is_void_v<wanted>) {
    constexpr bool fits = check_passing<wanted, Input...>();
    static_assert(fits || sizeof...(Input) != 1 || passing_of<wanted, Input...>() == passing::cut,
                  "troupe: the input does not convert implicitly to what the actor's on_create takes");
    if constexpr (fits) {
      static constexpr destination_name where{"the input of actor", type_name<A>()};
      return encode_as<wanted>(where, std::forward<Input>(input)...);
    }
  }
  return std::nullopt;
}

/// The arguments behind a key: an input, or its members; not tags alone, nor an input with tags behind it.
template <class... Part>
inline constexpr bool ends_with_tags = false;
template <class First, class... Rest>
inline constexpr bool ends_with_tags<First, Rest...> =
    sizeof...(Rest) == 0 ? std::is_same_v<std::remove_cvref_t<First>, tags> : ends_with_tags<Rest...>;
template <class... Part>
concept input_parts = sizeof...(Part) > 0 && !(sizeof...(Part) <= 2 && ends_with_tags<Part...>);

/// An input and tags, as they are given to the runtime.
struct creation {
  std::optional<bytes> input;
  tags labels;
};

template <class A, class... Part, std::size_t... I>
creation pack_creation(std::tuple<Part&&...> parts, tags labels, std::index_sequence<I...>) {
  return {encode_input<A>(std::get<I>(std::move(parts))...), std::move(labels)};
}

/// Encodes the arguments behind a key. Throws `actor.invalid_request`.
template <class A, class... Part>
creation pack_creation(Part&&... parts) {
  constexpr std::size_t last = sizeof...(Part) - 1;
  auto all = std::forward_as_tuple(std::forward<Part>(parts)...);
  if constexpr (ends_with_tags<Part...>) {
    tags labels = std::get<last>(std::move(all));
    return pack_creation<A, Part...>(std::move(all), std::move(labels), std::make_index_sequence<last>{});
  } else {
    return pack_creation<A, Part...>(std::move(all), tags{}, std::index_sequence_for<Part...>{});
  }
}

}  // namespace detail

/// Makes handles of actors. Cheap to copy. A move copies, so a client that was moved from stays usable. All members may
/// be called from any thread, and from actors. It may outlive its runtime: then everything fails with
/// `runtime.stopped`.
///
/// Asking for an actor type that the registry does not have throws `actor.not_registered`.
class client {
 public:
  client(const client&) noexcept = default;
  client& operator=(const client&) noexcept = default;
  ~client() = default;

  /// A handle of the actor with this key. Nothing happens until it is used; then a missing actor is `actor.not_found`.
  template <class A>
  [[nodiscard]] handle<A> get(troupe::key key) const {
    return make<A>(detail::address::intent::get, std::move(key));
  }

  /// The same, but a missing actor is created on first use; with an input for its `on_create`, and tags. If the actor
  /// exists, input and tags are ignored. In the place of an input that is an aggregate may stand its members; tags come
  /// last.
  ///
  ///     auto u = client.get_or_create<user>("user-123", "alice@example.com", troupe::tags{{"plan", "free"}});
  template <class A>
  [[nodiscard]] handle<A> get_or_create(troupe::key key) const {
    return make<A>(detail::address::intent::get_or_create, std::move(key));
  }
  template <class A, class... Part>
    requires detail::input_parts<Part...>
  [[nodiscard]] handle<A> get_or_create(troupe::key key, Part&&... input_and_tags) const {
    auto given = detail::pack_creation<A>(std::forward<Part>(input_and_tags)...);
    return make<A>(detail::address::intent::get_or_create, std::move(key), std::move(given.input),
                   std::move(given.labels));
  }
  template <class A, class Input>
  [[nodiscard]] handle<A> get_or_create(troupe::key key, Input&& input, tags labels) const {
    return make<A>(detail::address::intent::get_or_create, std::move(key),
                   detail::encode_input<A>(std::forward<Input>(input)), std::move(labels));
  }
  template <class A>
  [[nodiscard]] handle<A> get_or_create(troupe::key key, tags labels) const {
    return make<A>(detail::address::intent::get_or_create, std::move(key), std::nullopt, std::move(labels));
  }

  /// Creates the actor now, and yields a handle of it. If the key is taken: `actor.duplicate_key`, with the existing id
  /// in the metadata. If `on_create` throws, there is no actor and the caller gets what it threw. Input and tags as for
  /// `get_or_create`; for braces in an awaited expression see `handle::call`.
  template <class A>
  [[nodiscard]] task<handle<A>> create(troupe::key key) const {
    return created<A>(address<A>(std::move(key), std::nullopt, {}));
  }
  template <class A, class... Part>
    requires detail::input_parts<Part...>
  [[nodiscard]] auto create(troupe::key key, Part&&... input_and_tags) const {
    auto given = detail::pack_creation<A>(std::forward<Part>(input_and_tags)...);
    using result = detail::awaitable_given<task<handle<A>>, Part...>;
    return result{created<A>(address<A>(std::move(key), std::move(given.input), std::move(given.labels)))};
  }
  template <class A, class Input>
  [[nodiscard]] auto create(troupe::key key, Input&& input, tags labels) const {
    using result = detail::awaitable_given<task<handle<A>>, Input>;
    return result{created<A>(
        address<A>(std::move(key), detail::encode_input<A>(std::forward<Input>(input)), std::move(labels)))};
  }
  template <class A>
  [[nodiscard]] task<handle<A>> create(troupe::key key, tags labels) const {
    return created<A>(address<A>(std::move(key), std::nullopt, std::move(labels)));
  }

  /// A handle of the actor with this id, and of no other. A missing actor, or one of another type, is `actor.not_found`
  /// on use.
  template <class A>
  [[nodiscard]] handle<A> get_for_id(const actor_id& id) const {
    return handle<A>{detail::address_id(transport_, type<A>(), id)};
  }

  /// A handle of the actor with this key, by the name of its definition: for tools, servers and other languages, which
  /// have no type. Include `troupe/client/untyped.hpp`. As with `get`, a missing actor is `actor.not_found` on use. A
  /// name that is not registered throws `actor.not_registered`, which names those that are; so do the next ones.
  [[nodiscard]] untyped_handle open(std::string_view type, troupe::key key) const;
  /// The same of the actor with this id, and of no other: see `get_for_id`.
  [[nodiscard]] untyped_handle open(std::string_view type, const actor_id& id) const;

  /// The same, but a missing actor is created on first use: see `get_or_create`. `input` is what its `on_create` takes,
  /// as CBOR (`troupe::from_json` makes it of JSON text); empty: none. An input that does not fit is
  /// `actor.invalid_request`, here and at once, whether the actor exists or not.
  [[nodiscard]] untyped_handle open_or_create(std::string_view type, troupe::key key) const;
  [[nodiscard]] untyped_handle open_or_create(std::string_view type, troupe::key key, bytes_view input) const;
  [[nodiscard]] untyped_handle open_or_create(std::string_view type, troupe::key key, bytes_view input,
                                              tags labels) const;

  /// Creates the actor now, and yields a handle of its id: see `create`. Input and tags as for `open_or_create`.
  [[nodiscard]] task<untyped_handle> create(std::string_view type, troupe::key key) const;
  [[nodiscard]] task<untyped_handle> create(std::string_view type, troupe::key key, bytes_view input) const;
  [[nodiscard]] task<untyped_handle> create(std::string_view type, troupe::key key, bytes_view input,
                                            tags labels) const;

  /// Destroys an actor from outside, as `context::destroy` does from within: what runs in it has its grace period,
  /// `on_destroy` runs, everything it has is deleted and its key is free. Ends when the end is durable; from then on
  /// the actor is in no listing. An actor that is asleep wakes for its hooks. No actor is created, whatever the handle
  /// is. The time-out and the stop token of the handle count; an actor that has been told to end ends all the same.
  ///
  /// Errors, besides those of `troupe::call`: `actor.not_found`; `store.unavailable` if the end may not be durable;
  /// `actor.invalid_operation` for an actor's own end, which it cannot wait for; `actor.destroying` for an actor that
  /// asks for what is under way already; the error of an actor that cannot wake, which is not destroyed then.
  template <class A>
  [[nodiscard("co_await this")]] task<> destroy(const handle<A>& which) const {
    return detail::destroy_actor(which.core_);
  }
  [[nodiscard("co_await this")]] task<> destroy(const untyped_handle& which) const;

  /// The state of an actor, without a turn of it: of one that is awake the state between two turns, also while an
  /// exclusive action waits; of one that is asleep, or wakes just now, what the store has, brought up to date with its
  /// `migrate`. Nothing if there is no such actor, or its `on_create` has not run to its end. It wakes and creates
  /// nothing and is no activity, so that an idle actor falls asleep all the same. Transient members are as in a new
  /// object. For a reader outside all that was read is durable when this ends, unless the actor is `relaxed` or
  /// `ephemeral`. The time-out of the handle counts while the actor is looked at, and not for the store.
  ///
  ///     if (const std::optional<user> found = co_await client.read(alice)) greet(found->name);
  ///
  /// Errors: those of the store; `actor.unreadable_state`; `actor.newer_state`.
  template <class A>
  [[nodiscard("co_await this")]] task<std::optional<A>> read(const handle<A>& of) const {
    constexpr bool fits = std::is_move_constructible_v<A>;
    static_assert(fits, "troupe: read gives the actor's state away, so the type must be movable; an untyped handle "
                        "(client.open) reads it as CBOR");
    if constexpr (fits) return read_as<A>(of.core_);
    else return {};
  }
  /// The same as CBOR, a map of the members by their names.
  [[nodiscard("co_await this")]] task<std::optional<bytes>> read(const untyped_handle& of) const;

  /// The status of an actor by the name of its definition, for tools. It wakes and creates nothing. Throws
  /// `actor.not_registered`.
  [[nodiscard]] status_call status(std::string_view type, troupe::key key) const {
    return status_call{detail::address_key(transport_, type, detail::address::intent::get, std::move(key), {}, {})};
  }
  [[nodiscard]] status_call status(std::string_view type, const actor_id& id) const {
    return status_call{detail::address_id(transport_, type, id)};
  }

  /// The actors of this type, awake or not, a page at a time, in the order of their creation. Waits until what was
  /// created before is durable. `ephemeral` actors are not listed. An actor is listed until its end is durable, which
  /// may be after the call that destroyed it has returned: a call by its id may then find no actor.
  template <class A>
  [[nodiscard]] task<std::vector<actor_summary>> list(page p) const {
    return detail::list_actors(transport_, type<A>(), std::nullopt, p);
  }
  template <class A>
  [[nodiscard]] task<std::vector<actor_summary>> list() const {
    return list<A>(page{});
  }

  /// Those that carry all of these tags.
  template <class A>
  [[nodiscard]] task<std::vector<actor_summary>> find(tags labels, page p) const {
    return detail::list_actors(transport_, type<A>(), std::move(labels), p);
  }
  template <class A>
  [[nodiscard]] task<std::vector<actor_summary>> find(tags labels) const {
    return find<A>(std::move(labels), page{});
  }

  /// The same by the name of the definition, for tools. Throws `actor.not_registered`.
  [[nodiscard]] task<std::vector<actor_summary>> list(std::string_view type, page p) const {
    return detail::list_actors(transport_, type, std::nullopt, p);
  }
  [[nodiscard]] task<std::vector<actor_summary>> find(std::string_view type, tags labels, page p) const {
    return detail::list_actors(transport_, type, std::move(labels), p);
  }

  explicit client(std::shared_ptr<detail::transport> over) noexcept : transport_{std::move(over)} {}

 private:
  friend const std::shared_ptr<detail::transport>& detail::transport_of(const client& c) noexcept;

  template <class A>
  static const void* type() noexcept {
    static_cast<void>(detail::check_actor<A>());
    return &detail::type_tag<A>;
  }
  template <class A>
  handle<A> make(detail::address::intent how, troupe::key&& key) const {
    return handle<A>{detail::address_key(transport_, type<A>(), how, std::move(key))};
  }
  template <class A>
  handle<A> make(detail::address::intent how, troupe::key&& key, std::optional<bytes> input, tags labels) const {
    return handle<A>{
        detail::address_key(transport_, type<A>(), how, std::move(key), std::move(input), std::move(labels))};
  }
  template <class A>
  detail::handle_core address(troupe::key&& key, std::optional<bytes> input, tags labels) const {
    return detail::address_key(transport_, type<A>(), detail::address::intent::create, std::move(key), std::move(input),
                               std::move(labels));
  }
  template <class A>
  static task<handle<A>> created(detail::handle_core to) {
    auto made = co_await detail::create(std::move(to));
    co_return handle<A>{std::move(made)};
  }

  template <class A>
  static task<std::optional<A>> read_as(detail::handle_core of) {
    auto reading = detail::read_state(std::move(of));
    const auto encoded = co_await std::move(reading);
    std::optional<A> state;
    if (encoded) decode_into(state.emplace(), *encoded);
    co_return state;
  }

  std::shared_ptr<detail::transport> transport_;
};

}  // namespace v0
}  // namespace troupe
