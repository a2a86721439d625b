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
#include "../runtime/directory.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

/// Asks an actor to end after the turn, as `context::destroy` does, and finds out its id.
class destroy_invocation final : public invocation {
 public:
  explicit destroy_invocation(executor& home) : invocation{home} { kind = purpose::destroy; }

  std::coroutine_handle<> begin(activation*) override {
    cell& c = *target;
    id = c.core().cells().id_of(c);
    if (c.life().destroy_requested()) return nullptr;
    auto& signals = c.extension().signals;
    c.life().request_destroy();
    signals.raise(pending_signals::end);
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

  actor_id id;
};

class destroy_call final : public call_core {
 public:
  explicit destroy_call(handle_core of) : call_core{std::move(of)} {}

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> h) { return suspend(h); }
  actor_id await_resume() {
    conclude();
    return static_cast<const destroy_invocation*>(record())->id;
  }

 private:
  invocation* make(executor& home) override { return new destroy_invocation{home}; }
};

/// The same actor, which is not created.
handle_core without_creation(const handle_core& of) {
  const address& named = of.where();
  if (!named.creates()) return of;
  auto copy = address_key(named.transport, named.type->type, address::intent::get, troupe::key{named.key});
  if (of.time_limit() != handle_core::of_definition) copy.set_time_limit(of.time_limit());
  copy.set_stop(of.stop());
  return copy;
}

void refuse_own_end(const handle_core& of) {
  const turn* const caller = this_thread().in_turn;
  const cell* const c = caller != nullptr ? of.find() : nullptr;
  if (c == nullptr || caller->where != c) return;
  throw error(errc::invalid_operation,
              fmt::format("{}: an actor ends itself with context::destroy, since it cannot wait for its own end",
                          c->name()));
}

// A call by id that comes while an actor ends waits for that, and then finds no actor.
task<> until_gone(handle_core by_id) {
  try {
    while (true) {
      destroy_call again{by_id};
      co_await again;
    }
  } catch (const error& e) {
    if (!e.is(errc::not_found)) throw;
  }
}

}  // namespace

task<> destroy_actor(handle_core of) {
  refuse_own_end(of);
  auto& exec = of.where().transport->exec();
  const auto begun = exec.now();
  destroy_call ending{without_creation(of)};
  const actor_id id = co_await ending;
  if (of.where().transport->local() == nullptr) co_return;  // the other side has waited
  auto gone = address_id(of.where().transport, of.where().type->type, id);
  gone.set_stop(of.stop());
  const auto limit = of.wait_limit();
  if (limit != troupe::never) gone.set_time_limit(limit - (exec.now() - begun));
  auto waiting = until_gone(std::move(gone));
  co_await std::move(waiting);
}

}  // namespace detail

task<> client::destroy(const untyped_handle& which) const { return detail::destroy_actor(which.core_); }

}  // namespace v0
}  // namespace troupe
