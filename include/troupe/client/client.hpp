#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <troupe/actor/define.hpp>
#include <troupe/client/handle.hpp>
#include <troupe/core/task.hpp>

namespace troupe::inline v0 {

/// Which page of a listing: `limit` actors in the order of their creation, behind `after`.
struct page {
  page() noexcept = default;
  explicit page(std::size_t l) noexcept : limit{l} {}
  page(std::size_t l, actor_id a) noexcept : limit{l}, after{a} {}
  std::size_t limit = 100;
  std::optional<actor_id> after;
};

/// One actor in a listing.
struct actor_summary {
  actor_id id;
  troupe::key key;
  troupe::tags tags;
  wall_time created_at;
};

namespace detail {

[[nodiscard]] handle_core address_key(const std::shared_ptr<runtime_core>& core, const void* type,
                                      address::intent how, troupe::key&& key);
[[nodiscard]] handle_core address_key(const std::shared_ptr<runtime_core>& core, const void* type,
                                      address::intent how, troupe::key&& key, std::optional<bytes> input, tags labels);
[[nodiscard]] handle_core address_id(const std::shared_ptr<runtime_core>& core, const void* type, const actor_id& id);
/// Creates, and yields a handle of the new actor's id.
[[nodiscard]] task<handle_core> create(handle_core to);
[[nodiscard]] task<std::vector<actor_summary>> list_actors(std::shared_ptr<runtime_core> core, const void* type,
                                                           std::optional<tags> labels, page p);

template <class A, class Input>
std::optional<bytes> encode_input(const Input& input) {
  using wanted = input_type<A>;
  static_assert(!std::is_void_v<wanted>, "troupe: this actor's on_create takes no input");
  if constexpr (!std::is_void_v<wanted>) {
    static_assert(std::is_convertible_v<const Input&, wanted>,
                  "troupe: the input does not convert implicitly to what the actor's on_create takes");
    if constexpr (std::is_same_v<Input, wanted>) {
      return encode_stored(input);
    } else if constexpr (std::is_convertible_v<const Input&, wanted>) {
      const wanted converted = input;
      return encode_stored(converted);
    }
  }
  return std::nullopt;
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

  /// The same, but a missing actor is created on first use; with `input` for its `on_create`, and tags. If the actor
  /// exists, input and tags are ignored.
  template <class A>
  [[nodiscard]] handle<A> get_or_create(troupe::key key) const {
    return make<A>(detail::address::intent::get_or_create, std::move(key));
  }
  template <class A, class Input>
  [[nodiscard]] handle<A> get_or_create(troupe::key key, const Input& input) const {
    return make<A>(detail::address::intent::get_or_create, std::move(key), detail::encode_input<A>(input), {});
  }
  template <class A, class Input>
  [[nodiscard]] handle<A> get_or_create(troupe::key key, const Input& input, tags labels) const {
    return make<A>(detail::address::intent::get_or_create, std::move(key), detail::encode_input<A>(input),
                   std::move(labels));
  }
  template <class A>
  [[nodiscard]] handle<A> get_or_create(troupe::key key, tags labels) const {
    return make<A>(detail::address::intent::get_or_create, std::move(key), std::nullopt, std::move(labels));
  }

  /// Creates the actor now, and yields a handle of it. If the key is taken: `actor.duplicate_key`, with the existing id
  /// in the metadata. If `on_create` throws, there is no actor and the caller gets what it threw.
  template <class A>
  [[nodiscard]] task<handle<A>> create(troupe::key key) const {
    return created<A>(address<A>(std::move(key), std::nullopt, {}));
  }
  template <class A, class Input>
  [[nodiscard]] task<handle<A>> create(troupe::key key, const Input& input) const {
    return created<A>(address<A>(std::move(key), detail::encode_input<A>(input), {}));
  }
  template <class A, class Input>
  [[nodiscard]] task<handle<A>> create(troupe::key key, const Input& input, tags labels) const {
    return created<A>(address<A>(std::move(key), detail::encode_input<A>(input), std::move(labels)));
  }
  template <class A>
  [[nodiscard]] task<handle<A>> create(troupe::key key, tags labels) const {
    return created<A>(address<A>(std::move(key), std::nullopt, std::move(labels)));
  }

  /// A handle of the actor with this id, and of no other. A missing actor, or one of another type, is `actor.not_found`
  /// on use.
  template <class A>
  [[nodiscard]] handle<A> get_for_id(const actor_id& id) const {
    return handle<A>{detail::address_id(core_, type<A>(), id)};
  }

  /// The actors of this type, awake or not, a page at a time, in the order of their creation. Waits until what was
  /// created before is durable. `ephemeral` actors are not listed.
  template <class A>
  [[nodiscard]] task<std::vector<actor_summary>> list(page p) const {
    return detail::list_actors(core_, type<A>(), std::nullopt, p);
  }
  template <class A>
  [[nodiscard]] task<std::vector<actor_summary>> list() const {
    return list<A>(page{});
  }

  /// Those that carry all of these tags.
  template <class A>
  [[nodiscard]] task<std::vector<actor_summary>> find(tags labels, page p) const {
    return detail::list_actors(core_, type<A>(), std::move(labels), p);
  }
  template <class A>
  [[nodiscard]] task<std::vector<actor_summary>> find(tags labels) const {
    return find<A>(std::move(labels), page{});
  }

  explicit client(std::shared_ptr<detail::runtime_core> core) noexcept : core_{std::move(core)} {}

 private:
  template <class A>
  static const void* type() noexcept {
    static_cast<void>(detail::check_actor<A>());
    return &detail::type_tag<A>;
  }
  template <class A>
  handle<A> make(detail::address::intent how, troupe::key&& key) const {
    return handle<A>{detail::address_key(core_, type<A>(), how, std::move(key))};
  }
  template <class A>
  handle<A> make(detail::address::intent how, troupe::key&& key, std::optional<bytes> input, tags labels) const {
    return handle<A>{detail::address_key(core_, type<A>(), how, std::move(key), std::move(input), std::move(labels))};
  }
  template <class A>
  detail::handle_core address(troupe::key&& key, std::optional<bytes> input, tags labels) const {
    return detail::address_key(core_, type<A>(), detail::address::intent::create, std::move(key), std::move(input),
                               std::move(labels));
  }
  template <class A>
  static task<handle<A>> created(detail::handle_core to) {
    auto made = co_await detail::create(std::move(to));
    co_return handle<A>{std::move(made)};
  }

  std::shared_ptr<detail::runtime_core> core_;
};

}  // namespace troupe::inline v0
