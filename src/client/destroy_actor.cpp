// SPDX-License-Identifier: Apache-2.0
// The end of an actor at the request of a caller.

#include <coroutine>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <troupe/actor/transport.hpp>
#include <troupe/client/call.hpp>
#include <troupe/client/client.hpp>
#include <troupe/client/untyped.hpp>
#include <troupe/core/error.hpp>
#include <troupe/runtime/turn.hpp>

#include "../runtime/cell_extension.hpp"
#include "../runtime/core.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

/// Asks an actor to end after the turn, as `context::destroy` does, and is answered when the end is durable.
class destroy_invocation final : public invocation {
 public:
  explicit destroy_invocation(executor& home) : invocation{home} {
    kind = purpose::lookup;
    writes = true;
  }

  // A call that finds the actor ending here comes from what the end waits for, and cannot wait for the end.
  std::coroutine_handle<> begin(activation*) override {
    cell& c = *target;
    if (c.life().destroy_requested()) throw error(errc::destroying, c.name());
    if (c.refuses_changes()) throw error(errc::store_refuses_changes, c.name());
    cell_extension& extension = c.extension();
    extension.await_end(*this);
    c.life().request_destroy();
    extension.signals.raise(pending_signals::end);
    return nullptr;
  }
  void finish() override {}
  [[nodiscard]] std::string_view what() const noexcept override { return "destroy"; }
  [[nodiscard]] request as_request() const override {
    request asked;
    asked.asks = request::verb::destroy;
    return asked;
  }
  void take_answer(bytes_view) override {}
};

class destroy_call final : public call_core {
 public:
  explicit destroy_call(handle_core of) : call_core{std::move(of)} {}

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> h) { return suspend(h); }
  void await_resume() { conclude(); }

 private:
  invocation* make(executor& home) override { return new destroy_invocation{home}; }
};

/// A handle of the same actor that creates none.
handle_core without_creation(const handle_core& of) {
  const address& named = of.where();
  if (!named.creates()) return of;
  auto copy = address_key(named.transport, named.type->type, address::intent::get, troupe::key{named.key});
  if (of.time_limit() != handle_core::of_definition) copy.set_time_limit(of.time_limit());
  copy.set_stop(of.stop());
  copy.set_via(of.via());
  return copy;
}

void refuse_own_end(const handle_core& of) {
  const turn* const caller = this_thread().in_turn;
  const cell* const c = caller != nullptr ? of.find() : nullptr;
  if (c == nullptr || caller->where != c || !of.means(*c)) return;
  throw error(errc::invalid_operation,
              fmt::format("{}: an actor ends itself with context::destroy, since it cannot wait for its own end",
                          c->name()));
}

}  // namespace

task<> destroy_actor(handle_core which) {
  refuse_own_end(which);
  destroy_call ending{without_creation(which)};
  co_await ending;
}

}  // namespace detail

task<> client::destroy(const untyped_handle& which) const { return detail::destroy_actor(which.core_); }

}  // namespace v0
}  // namespace troupe
