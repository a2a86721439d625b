// SPDX-License-Identifier: Apache-2.0
// The state of an actor that a caller reads without a turn of the actor.

#include <algorithm>
#include <coroutine>
#include <exception>
#include <optional>
#include <string_view>
#include <utility>

#include <troupe/actor/activation.hpp>
#include <troupe/actor/address.hpp>
#include <troupe/actor/transport.hpp>
#include <troupe/client/call.hpp>
#include <troupe/client/client.hpp>
#include <troupe/client/untyped.hpp>
#include <troupe/core/assert.hpp>
#include <troupe/core/error.hpp>

#include "../runtime/cell_extension.hpp"
#include "../runtime/core.hpp"
#include "../runtime/stored_state.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

/// Encodes the live copy of an actor between two of its turns: a message of the runtime's own, which wakes no actor.
class read_invocation final : public invocation {
 public:
  explicit read_invocation(executor& home) : invocation{home} {
    kind = purpose::lookup;
    context = nullptr;
    run = [](work& w) noexcept {
      auto& self = static_cast<read_invocation&>(w);
      cell& c = *self.target;
      if (std::exchange(self.counted, false)) c.calls().remove();
      try {
        self.look(c);
      } catch (...) {
        self.failure = std::current_exception();
      }
      self.dependency = std::max(self.dependency, c.dependency());
      c.core().deliver(self);
    };
  }

  std::coroutine_handle<> begin(activation*) override {
    target->tally().uncount();  // it is no activity: the end of this turn counts one
    look(*target);
    return nullptr;
  }
  void finish() override {}
  [[nodiscard]] std::string_view what() const noexcept override { return "read"; }
  [[nodiscard]] request as_request() const override {
    request asked;
    asked.asks = request::verb::read;
    return asked;
  }
  void take_answer(bytes_view answer) override {
    if (!answer.empty()) state.emplace(answer.begin(), answer.end());
  }

  std::optional<bytes> state;
  bool is_gone = false;  ///< the actor has ended, so that what the store has does not count

 private:
  // Until a new actor's on_create has ended, and an old one's state has been loaded, the store has all that there is.
  void look(cell& c) {
    using phase = lifecycle::phase;
    if (c.live() == nullptr) return;
    if (origin->how == address::intent::by_id && !c.is(origin->id)) {
      is_gone = true;
      return;
    }
    const cell_extension* const extension = c.known_extension();
    const auto now = c.current_phase();
    if (now == phase::waking && (extension == nullptr || !extension->recorder.initialised())) return;
    is_gone = extension != nullptr && now == phase::finalising && extension->recorder.destroyed();
    if (is_gone) return;
    buffer encoded;
    c.live()->encode(encoded);
    state.emplace(encoded.view().begin(), encoded.view().end());
  }
};

class read_call final : public call_core {
 public:
  explicit read_call(const handle_core& of) : call_core{of} {}

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> h) { return suspend(h); }
  read_invocation& await_resume() {
    conclude();
    return *static_cast<read_invocation*>(record());
  }

 private:
  invocation* make(executor& home) override { return new read_invocation{home}; }
};

}  // namespace

// An actor that falls asleep between the two looks has made its changes durable first, so that the store has the state
// of a moment within the read.
task<std::optional<bytes>> read_state(handle_core of) {
  auto* const local = of.where().transport->local();
  read_call reading{of};
  try {
    auto& found = co_await reading;
    if (found.state || found.is_gone || local == nullptr) co_return std::move(found.state);
  } catch (const error& e) {
    if (!e.is(errc::not_found)) throw;
    co_return std::nullopt;
  }
  auto stored = stored_state(*local, of.where());
  auto state = co_await std::move(stored);
  co_return state;
}

}  // namespace detail

task<std::optional<bytes>> client::read(const untyped_handle& of) const { return detail::read_state(of.core_); }

}  // namespace v0
}  // namespace troupe
