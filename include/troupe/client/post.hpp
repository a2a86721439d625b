// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <string_view>
#include <utility>

#include <troupe/client/call.hpp>
#include <troupe/client/plain_action.hpp>

/// \file
/// Calls that nobody waits for.

namespace troupe {
inline namespace v0 {
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
    cell* const c = to.is_guarded() ? nullptr : to.find();
    return c != nullptr && to.found().is_key_only() ? c : nullptr;
  }

  /// Goes out, now or at the end of the turn that runs. It deletes itself. Throws `actor.overloaded`.
  void leave();

 protected:
  posting(cell& to, address::intent how) noexcept : work{&posting::run_posting}, target_{&to}, how_{how} {}
  virtual ~posting() = default;

  [[nodiscard]] cell& target() const noexcept { return *target_; }
  [[nodiscard]] epoch_number dependency() const noexcept { return dependency_; }

  void give_way() noexcept;
  /// An invocation that goes on in this one's place, which it ends.
  [[nodiscard]] invocation& become_invocation() noexcept;
  void report(const std::exception_ptr& failure) noexcept;

 private:
  /// Has come to its turn, if the actor is open to it.
  virtual void arrive() noexcept = 0;
  [[nodiscard]] virtual invocation* make(executor& home) = 0;
  [[nodiscard]] virtual std::string_view action() const noexcept = 0;

  static void run_posting(work& w) noexcept { static_cast<posting&>(w).arrive(); }
  [[gnu::always_inline]] static inline void leave_turn(posting& self, const turn& now) noexcept;

  cell* target_;
  epoch_number dependency_ = 0;
  address::intent how_;
};

template <class V, class Arguments>
class typed_posting final : public posting {
 public:
  using code = action_code<V, Arguments>;

  typed_posting(cell& to, address::intent how, const code& c, Arguments&& arguments)
      : posting{to, how}, code_{c}, arguments_{std::move(arguments)} {}

 private:
  void arrive() noexcept override {
    cell& c = target();
    if (!c.life().is_open() || (code_.writes && c.refuses_changes())) [[unlikely]]
      return give_way();
    c.calls().begin();
    std::exception_ptr failure;
    {
      turn t{c, nullptr, code_.writes, this_thread()};
      t.open();
      if (dependency() != 0) t.depend_on(dependency());
      {
        value_slot<V> value;
        run_plain_action(t, code_, arguments_, value, failure);
      }
      t.end(!t.failed);  // after a failure the error handler runs
      if (t.close()) [[unlikely]]
        look_at_mark(c, t.thread, nullptr, code_.name);
      if (t.has_failed() && !failure) [[unlikely]]
        failure = t.failure();
    }
    if (failure) [[unlikely]]
      report(failure);
    delete this;
  }

  invocation* make(executor& home) override {
    return new typed_invocation<V, Arguments>{home, code_, false, std::move(arguments_)};
  }

  [[nodiscard]] std::string_view action() const noexcept override { return code_.name; }

  const code& code_;
  Arguments arguments_;
};

/// Sends an invocation on its way without anybody waiting for it.
void launch_posted(const handle_core& to, invocation* (*make)(executor& home, void* from), void* from);

template <class V, class Arguments>
void post(const handle_core& to, const action_code<V, Arguments>& code, Arguments&& arguments) {
  if (code.how == inline_mode::function) {  // the caller's thread could run all of it at once
    if (cell* const c = posting::destination(to); c != nullptr) {
      return (new typed_posting<V, Arguments>{*c, to.found().how, code, std::move(arguments)})->leave();
    }
  }
  struct parts {
    const action_code<V, Arguments>& code;
    Arguments& arguments;
  } from{code, arguments};
  launch_posted(
      to,
      [](executor& home, void* given) -> invocation* {
        auto& [c, a] = *static_cast<parts*>(given);
        return new typed_invocation<V, Arguments>{home, c, c.how == inline_mode::never, std::move(a)};
      },
      &from);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
