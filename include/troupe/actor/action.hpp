// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <troupe/actor/activation.hpp>
#include <troupe/actor/hooks.hpp>
#include <troupe/actor/manifest.hpp>
#include <troupe/actor/signature.hpp>
#include <troupe/actor/typed_activation.hpp>
#include <troupe/codec/codec.hpp>
#include <troupe/codec/names.hpp>

/// \file
/// Actions. Little of an action depends on which one it is: that is its `action_code`, a constant. All else goes by the
/// types of its value and its arguments, and is compiled once for all actions that share them.

namespace troupe {
inline namespace v0 {
namespace detail {

/// A place for an action's value, also for void. Moved only while it is empty.
template <class V>
class value_slot {
 public:
  value_slot() noexcept {}
  value_slot(value_slot&&) noexcept {}
  ~value_slot() {
    if constexpr (!std::is_trivially_destructible_v<V>) {
      if (full_) value_.~V();
    }
  }

  /// Where the value is to be made. `made()` follows.
  [[nodiscard]] void* place() noexcept { return &value_; }
  void made() noexcept {
    if constexpr (!std::is_trivially_destructible_v<V>) full_ = true;
  }

  [[nodiscard]] V& get() noexcept { return value_; }
  [[nodiscard]] const V& get() const noexcept { return value_; }
  V take() { return std::move(value_); }

 private:
  union {
    V value_;
  };
  bool full_ = false;
};
template <>
class value_slot<void> {
 public:
  void take() const noexcept {}
};

/// How an action may run on its caller's thread.
enum class inline_mode : std::uint8_t { never, function, coroutine };

/// Its address stands for the method. Not a constant: linkers that fold equal constants leave it alone.
template <auto M>
inline char method_tag = 0;

/// Which action it is: what every action has.
struct action_facts {
  std::string_view name;  ///< of the method
  const void* method;     ///< see `method_tag`
  bool writes;            ///< may change the state
  bool coroutine;
  inline_mode how;
};

/// The same with the functions that know the action. One constant per action.
template <class V, class Arguments>
struct action_code : action_facts {
  using run_function = void (*)(activation& a, Arguments& arguments, value_slot<V>& to);
  using begin_function = std::coroutine_handle<> (*)(activation& a, Arguments& arguments);
  using look_function = void (*)(activation& a, std::string_view action, value_slot<V>& value);

  run_function run;      ///< calls a plain action
  begin_function begin;  ///< makes the coroutine of one that is one
  look_function look;    ///< on_before_reply, after either; null: there is none for such a value
};

// The functions of an action's code. As few as can be: there are some for each action of a program.
template <class A, auto M, class Indices>
struct action_body;
template <class A, auto M, std::size_t... I>
struct action_body<A, M, std::index_sequence<I...>> {
  using traits = method_traits<decltype(M)>;
  using value = typename traits::value;
  using arguments = call_arguments<M>;

  static typename traits::result call(activation& a, [[maybe_unused]] arguments& stored) {
    auto& mine = static_cast<typed_activation<A>&>(a);
    if constexpr (traits::takes_context) {
      return (mine.actor().*M)(mine.context(), std::get<I>(std::move(stored))...);
    } else {
      return (mine.actor().*M)(std::get<I>(std::move(stored))...);
    }
  }

  static void run(activation& a, arguments& stored, [[maybe_unused]] value_slot<value>& to) {
    if constexpr (std::is_void_v<value>) {
      call(a, stored);
    } else {
      ::new (to.place()) value(call(a, stored));
      to.made();
    }
  }
  static std::coroutine_handle<> begin(activation& a, arguments& stored) { return call(a, stored).release(); }
};

template <class A, class V>
concept observes_reply = requires(A& a, troupe::context<std::remove_const_t<A>>& c, std::string_view name, V& value) {
  a.on_before_reply(c, name, value);
};

/// Gives the definition's on_before_reply a look at the value. It comes after read-only actions too, and so may not
/// change the state.
template <class A, class V>
void before_reply(activation& a, std::string_view action, value_slot<V>& value) {
  auto& mine = static_cast<typed_activation<A>&>(a);
  std::as_const(mine.actor()).on_before_reply(mine.context(), action, value.get());
}

template <class A, class V>
consteval auto look_of() -> void (*)(activation&, std::string_view, value_slot<V>&) {
  if constexpr (has_on_before_reply<A> && !std::is_void_v<V>) {
    static_assert(observes_reply<const A, V> || !observes_reply<A, V>,
                  "troupe: on_before_reply is `void on_before_reply(troupe::context<Self>&, std::string_view action, "
                  "value& reply) const`; it may change the reply but not the state");
    if constexpr (observes_reply<const A, V>) return &before_reply<A, V>;
  }
  return nullptr;
}

template <class A, auto M>
consteval auto make_code() {
  using traits = method_traits<decltype(M)>;
  using arguments = call_arguments<M>;
  using body = action_body<A, M, std::make_index_sequence<std::tuple_size_v<arguments>>>;
  action_code<typename traits::value, arguments> code{};
  code.name = spelled_method<M>();
  if (code.name.empty()) code.name = "operator";  // its manifest gives it a wire name
  code.method = &method_tag<M>;
  code.writes = !traits::is_const;
  code.coroutine = traits::is_coroutine;
  if constexpr (traits::is_coroutine) {
    code.begin = &body::begin;
  } else {
    code.run = &body::run;
  }
  if constexpr (!A::actor::template place_in_list<M>.exclusive) {
    code.how = traits::is_coroutine ? inline_mode::coroutine : inline_mode::function;
  }
  code.look = look_of<A, typename traits::value>();
  return code;
}

template <class A, auto M>
inline constexpr auto code_of = make_code<A, M>();

/// An action in the actor's mailbox, or at work.
template <class V, class Arguments>
class typed_invocation final : public untyped_invocation {
 public:
  using code = action_code<V, Arguments>;

  typed_invocation(executor& home, const code& c, bool is_exclusive, Arguments&& arguments)
      : untyped_invocation{home}, code_{c}, arguments_{std::move(arguments)} {
    writes = c.writes;
    exclusive = is_exclusive;
  }

  std::coroutine_handle<> begin(activation* a) override {
    if (code_.coroutine) {
      go_on(*a, code_.begin(*a, arguments_));
    } else {
      code_.run(*a, arguments_, value_);
      if (code_.look != nullptr) code_.look(*a, code_.name, value_);
    }
    return coroutine_;
  }

  /// Takes over the action's coroutine, which may have begun.
  void go_on(activation& a, std::coroutine_handle<> body) noexcept {
    activation_ = &a;
    coroutine_ = body;
    adopt(std::coroutine_handle<promise<V>>::from_address(body.address()).promise());
  }

  void finish() override {
    if (code_.coroutine) take_value(*activation_, std::exchange(coroutine_, nullptr), code_, value_);
  }

  /// Takes the value of an action's coroutine that has ended, or throws its failure; frees its frame.
  static void take_value(activation& a, std::coroutine_handle<> body, const code& c, value_slot<V>& to) {
    struct guard {
      std::coroutine_handle<promise<V>> frame;
      ~guard() { frame.destroy(); }
    } const g{std::coroutine_handle<promise<V>>::from_address(body.address())};
    if constexpr (std::is_void_v<V>) {
      g.frame.promise().take();
    } else {
      ::new (to.place()) V(g.frame.promise().take());
      to.made();
    }
    if (c.look != nullptr) c.look(a, c.name, to);
  }

  [[nodiscard]] std::string_view what() const noexcept override { return code_.name; }
  [[nodiscard]] const std::string_view* constant_name() const noexcept override { return &code_.name; }
  [[nodiscard]] const action_facts* facts() const noexcept override { return &code_; }

  void encode_value(buffer& out) const override {
    if constexpr (std::is_void_v<V>) {
      cbor_writer{out}.null();
    } else {
      troupe::encode(value_.get(), out);
    }
  }

  V take() { return value_.take(); }

  /// Before it begins.
  [[nodiscard]] const Arguments& arguments() const noexcept { return arguments_; }
  /// Makes the value elsewhere than here.
  template <class... T>
  void give(T&&... value) {
    ::new (value_.place()) V(std::forward<T>(value)...);
    value_.made();
  }

 private:
  const code& code_;
  Arguments arguments_;
  value_slot<V> value_;
  activation* activation_ = nullptr;  ///< of a coroutine
  std::coroutine_handle<> coroutine_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
