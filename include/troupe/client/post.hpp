#pragma once

#include <exception>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <troupe/client/call.hpp>

/// \file
/// Calls that nobody waits for.

namespace troupe::inline v0 {
namespace detail {

/// A plain action that nobody waits for, on its way through a mailbox, with next to nothing beside its arguments. An
/// actor that is open runs it as it runs a call on the caller's thread: in a turn without an invocation. Elsewhere an
/// invocation takes its place, and waits or is refused as calls are.
class posting : public work {
 public:
  posting(const posting&) = delete;
  posting& operator=(const posting&) = delete;

  static void* operator new(std::size_t size) { return allocate_block(size); }
  static void operator delete(void* block, std::size_t size) noexcept { release_block(block, size); }

  /// Where one for this handle goes; null if it takes an invocation to say who is meant. Throws `runtime.stopped`.
  [[nodiscard]] static cell* destination(const handle_core& to) {
    return to.via || !to.where().is_key_only() ? nullptr : to.find();
  }

  /// Goes out, now or at the end of the turn that runs. It deletes itself. Throws `actor.overloaded`.
  void leave();

 protected:
  posting(cell& to, address::intent how) noexcept : work{&posting::run_posting}, target_{&to}, how_{how} {}
  virtual ~posting() = default;

  [[nodiscard]] cell& target() const noexcept { return *target_; }
  [[nodiscard]] epoch_number dependency() const noexcept { return dependency_; }

  void give_way() noexcept;
  void report(const std::exception_ptr& failure) noexcept;

 private:
  /// Has come to its turn, if the actor is open to it.
  virtual void arrive() noexcept = 0;
  [[nodiscard]] virtual invocation* make(executor& home) = 0;
  [[nodiscard]] virtual std::string_view action() const noexcept = 0;

  static void run_posting(work& w) noexcept { static_cast<posting&>(w).arrive(); }
  static void leave_turn(work& w) noexcept;

  cell* target_;
  epoch_number dependency_ = 0;
  address::intent how_;
};

/// An action of which the caller's thread can run all at once.
template <class A, auto M>
inline constexpr bool is_plain_action = !method_traits<decltype(M)>::is_coroutine && !is_exclusive_action<A, M>;

template <class A, auto M>
class typed_posting final : public posting {
 public:
  typed_posting(cell& to, address::intent how, call_arguments<M>&& arguments)
      : posting{to, how}, arguments_{std::move(arguments)} {}

 private:
  static constexpr bool writes = !method_traits<decltype(M)>::is_const;

  void arrive() noexcept override {
    cell& c = target();
    if (!c.open_to(writes)) return give_way();
    c.count_begun();
    if (const auto failure = run(c); failure) [[unlikely]]
      report(failure);
    delete this;
  }

  std::exception_ptr run(cell& c) noexcept {
    turn t{c, nullptr, writes, this_thread()};
    if (dependency() != 0) t.learn(dependency());
    std::exception_ptr failure;
    try {
      act(static_cast<typed_activation<A>&>(*c.live()));
    } catch (...) {
      failure = std::current_exception();
      t.failed = true;
    }
    t.end();
    return failure ? failure : t.failure();
  }

  void act(typed_activation<A>& live) {
    if constexpr (std::is_void_v<value_of<M>>) {
      invoke_action<M>(live, arguments_);
    } else {
      value_of<M> value = invoke_action<M>(live, arguments_);
      before_reply(live, action(), value);
    }
  }

  invocation* make(executor& home) override {
    return std::apply([&](auto&... each) { return new typed_invocation<A, M>(home, false, std::move(each)...); },
                      arguments_);
  }

  [[nodiscard]] std::string_view action() const noexcept override { return member_name<M>(); }

  call_arguments<M> arguments_;
};

/// Sends an invocation on its way without anybody waiting for it.
void launch_posted(const handle_core& to, invocation* (*make)(executor& home, void* arguments), void* arguments);

template <class A, auto M>
void post(const handle_core& to, call_arguments<M>& arguments) {
  if constexpr (is_plain_action<A, M>) {
    if (cell* const c = posting::destination(to); c != nullptr) {
      return (new typed_posting<A, M>{*c, to.where().how, std::move(arguments)})->leave();
    }
  }
  launch_posted(
      to,
      [](executor& home, void* from) -> invocation* {
        return std::apply(
            [&](auto&... each) {
              return new typed_invocation<A, M>(home, is_exclusive_action<A, M>, std::move(each)...);
            },
            *static_cast<call_arguments<M>*>(from));
      },
      &arguments);
}

}  // namespace detail
}  // namespace troupe::inline v0
