// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <troupe/actor/activation.hpp>
#include <troupe/actor/context.hpp>
#include <troupe/actor/hooks.hpp>
#include <troupe/actor/peer.hpp>
#include <troupe/actor/signature.hpp>
#include <troupe/actor/stored_version.hpp>
#include <troupe/codec/bounds.hpp>
#include <troupe/codec/codec.hpp>
#include <troupe/codec/reflect.hpp>
#include <troupe/core/error.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// The live copy of an actor of type A, with its hooks.
template <class A>
class typed_activation final : public activation {
 public:
  explicit typed_activation(cell& owner) : activation{owner}, context_{*this} {}

  [[nodiscard]] void* state() noexcept override { return &actor_; }
  void encode(buffer& out) const override { troupe::encode(actor_, out); }
  void decode(bytes_view stored) override { decode_into(actor_, stored); }
  // Fields that the encoding does not have are as in a new actor, and not as the actor has them now.
  void restore(bytes_view encoded) override {
    buffer whole;
    {
      A fresh{};
      decode_into(fresh, encoded);
      troupe::encode(fresh, whole);
    }
    decode_into(actor_, whole.view());
  }
  [[nodiscard]] std::size_t encoded_bytes_bound() const override {
    if constexpr (always_encodes<A>) return detail::encoded_bytes_bound(actor_);
    else return 0;
  }

  task<> on_create([[maybe_unused]] const bytes* input) override {
    if constexpr (has_on_create<A>) {
      using input_value = input_type<A>;
      if constexpr (std::is_void_v<input_value>) {
        return run_hook([this] { return actor_.on_create(context_); });
      } else {
        if (input == nullptr) throw error(errc::missing_input, name());
        return run_create(read_input<input_value>(*input));
      }
    } else {
      return {};
    }
  }
  task<> on_wake() override {
    if constexpr (has_on_wake<A>) {
      return run_hook([this] { return actor_.on_wake(context_); });
    } else {
      return {};
    }
  }
  task<> on_sleep() override {
    if constexpr (has_on_sleep<A>) {
      return run_hook([this] { return actor_.on_sleep(context_); });
    } else {
      return {};
    }
  }
  task<> on_destroy() override {
    if constexpr (has_on_destroy<A>) {
      return run_hook([this] { return actor_.on_destroy(context_); });
    } else {
      return {};
    }
  }
  void on_state_change() override {
    if constexpr (has_on_state_change<A>) std::as_const(actor_).on_state_change(context_);
  }
  task<> run() override {
    if constexpr (has_run<A>) {
      return actor_.run(context_);
    } else {
      return {};
    }
  }
  permission can_publish([[maybe_unused]] std::string_view queue) override {
    permission p;
    if constexpr (has_can_publish<A>) {
      ask(p, [&] { return actor_.can_publish(context_, queue); });
    }
    return p;
  }
  permission can_subscribe([[maybe_unused]] std::string_view event) override {
    permission p;
    if constexpr (has_can_subscribe<A>) {
      ask(p, [&] { return actor_.can_subscribe(context_, event); });
    }
    return p;
  }

  task<> on_before_connect([[maybe_unused]] connection_core& from) override {
    if constexpr (has_on_before_connect<A>) {
      return run_hook([&] { return bring<&A::on_before_connect>(from); });
    } else {
      return {};
    }
  }
  task<> create_connection_state([[maybe_unused]] connection_core& from) override {
    if constexpr (has_create_connection_state<A>) {
      auto& typed = static_cast<typed_connection<A>&>(from);
      if constexpr (method_traits<decltype(&A::create_connection_state)>::is_coroutine) {
        return keep_state(bring<&A::create_connection_state>(from), typed);
      } else {
        typed.state.emplace(bring<&A::create_connection_state>(from));
        return {};
      }
    } else {
      return {};
    }
  }
  task<> on_connect([[maybe_unused]] connection_core& from) override {
    if constexpr (has_on_connect<A>) {
      return run_hook([&] { return actor_.on_connect(context_, end_of(from)); });
    } else {
      return {};
    }
  }
  task<> on_disconnect([[maybe_unused]] connection_core& from) override {
    if constexpr (has_on_disconnect<A>) {
      return run_hook([&] { return actor_.on_disconnect(context_, end_of(from)); });
    } else {
      return {};
    }
  }

  [[nodiscard]] A& actor() noexcept { return actor_; }
  [[nodiscard]] troupe::context<A>& context() noexcept { return context_; }

 private:
  // A plain hook has run when this returns; a coroutine is still to be awaited.
  template <class F>
  static task<> run_hook(F&& hook) {
    if constexpr (std::is_void_v<decltype(hook())>) {
      hook();
      return {};
    } else {
      return hook();
    }
  }
  template <class Input>
  Input read_input(const bytes& stored) const {
    try {
      return decode_stored<Input>(stored);
    } catch (...) {
      refuse_input();
    }
  }
  template <class Input>
  task<> run_create(Input input) {
    return run_hook([&] { return actor_.on_create(context_, std::move(input)); });
  }

  template <class F>
  static void ask(permission& p, F&& hook) {
    if constexpr (std::is_same_v<decltype(hook()), bool>) {
      p.granted = hook();
    } else {
      p.pending = hook();
    }
  }

  // The hook takes what the connection brings, or does not care.
  template <auto Hook>
  auto bring(connection_core& from) {
    if constexpr (std::tuple_size_v<typename method_traits<decltype(Hook)>::parameters> == 0) {
      return (actor_.*Hook)(context_);
    } else {
      return (actor_.*Hook)(context_, std::as_const(*static_cast<typed_connection<A>&>(from).params));
    }
  }
  static peer<A> end_of(connection_core& from) noexcept { return peer<A>{from}; }
  static task<> keep_state(task<connection_state<A>> making, typed_connection<A>& of) {
    auto made = co_await std::move(making);
    of.state.emplace(std::move(made));
  }

  A actor_{};
  troupe::context<A> context_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
