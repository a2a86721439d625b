// SPDX-License-Identifier: Apache-2.0
#include <troupe/client/lookup.hpp>

#include <fmt/format.h>

#include <troupe/actor/transport.hpp>
#include <troupe/client/status_record.hpp>
#include <troupe/codec/json_text.hpp>
#include <troupe/core/assert.hpp>
#include <troupe/core/error.hpp>

#include "../core/planted.hpp"
#include "../core/text_of.hpp"
#include "../runtime/cell_extension.hpp"
#include "../runtime/commit_ledger.hpp"
#include "../runtime/core.hpp"
#include "../runtime/directory.hpp"
#include "../runtime/run_loop.hpp"
#include "named.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

namespace {

/// A call by name to an actor of another process: its bytes go there as they are, and so does the answer.
class carried_call final : public untyped_invocation {
 public:
  carried_call(executor& home, std::string_view action, bytes_view arguments)
      : untyped_invocation{home}, action_{action}, arguments_(arguments.begin(), arguments.end()) {}

  std::coroutine_handle<> begin(activation*) override {
    TROUPE_ASSERT(false, "a call to another process does not begin in this one");
    return nullptr;
  }
  void finish() override {}
  [[nodiscard]] std::string_view what() const noexcept override { return action_; }
  [[nodiscard]] request as_request() const override {
    request asked;
    asked.name = action_;
    asked.body = arguments_;
    return asked;
  }
  void take_answer(bytes_view answer) override { value_.assign(answer.begin(), answer.end()); }
  void encode_value(buffer& out) const override { cbor_writer{out}.raw(value_); }

 private:
  const std::string action_;
  const bytes arguments_;
  bytes value_;
};

}  // namespace

/// Finds out the id of an actor once it is awake.
class lookup_invocation final : public invocation {
 public:
  explicit lookup_invocation(executor& home) : invocation{home} { kind = purpose::lookup; }

  std::coroutine_handle<> begin(activation*) override {
    id = target->core().cells().id_of(*target);
    if (origin->how == address::intent::create && !created_actor) {
      throw error(errc::duplicate_key, target->name(),
                  fmt::format(R"({{"key":{},"existing_actor_id":"{}"}})", to_json(encode(target->key())), id.str()));
    }
    return nullptr;
  }
  void finish() override {}
  [[nodiscard]] std::string_view what() const noexcept override { return "resolve"; }
  [[nodiscard]] request as_request() const override {
    request asked;
    asked.asks = request::verb::resolve;
    return asked;
  }
  void take_answer(bytes_view answer) override { id = decode<actor_id>(answer); }

  actor_id id;
};

/// Looks at a cell, whatever state it is in: a message of the runtime's own, which wakes nobody.
class status_invocation final : public invocation {
 public:
  explicit status_invocation(executor& home) : invocation{home} {
    kind = purpose::lookup;
    context = nullptr;
    run = [](work& w) noexcept {
      auto& self = static_cast<status_invocation&>(w);
      cell& c = *self.target;
      if (std::exchange(self.counted, false)) c.calls().remove();
      if (self.means(c)) {
        self.look();
      } else {
        self.failure = std::make_exception_ptr(error(errc::not_found, self.origin->name()));
      }
      c.core().deliver(self);
    };
  }

  std::coroutine_handle<> begin(activation*) override {
    look();
    goes_to = destination::anywhere;
    target->tally().uncount();  // and is no activity: the end of this turn counts one
    return nullptr;
  }
  void finish() override {}
  [[nodiscard]] std::string_view what() const noexcept override { return "status"; }
  [[nodiscard]] request as_request() const override {
    request asked;
    asked.asks = request::verb::status;
    return asked;
  }
  void take_answer(bytes_view answer) override { seen = decode_status(answer, this->home()->now()); }

  actor_status seen;

 private:
  // The handle of an id means no successor.
  [[nodiscard]] bool means(const cell& c) const noexcept {
    return origin->how != address::intent::by_id || c.live() == nullptr || c.is(origin->id);
  }
  void look() {
    cell& c = *target;
    seen.state = static_cast<actor_status::phase>(c.current_phase());
    seen.id = c.core().cells().id_of(c);
    seen.calls_waiting = c.calls().waiting();
    if (c.live()) {
      for (invocation* i = c.live()->running; i != nullptr; i = i->following) {
        seen.running.emplace_back(i->what());
        seen.waits.push_back(i->describe_wait());
      }
    }
    if (c.known_extension()) {
      seen.since = since(c);
      if (c.known_extension()->last_failure) seen.last_error = text_of(c.known_extension()->last_failure);
    }
    if (c.live() && c.known_extension()) {
      const auto newest = c.known_extension()->recorder.newest_epoch();
      seen.unsaved = c.known_extension()->recorder.is_save_ahead() || !c.core().commits().is_durable(newest);
    }
    if (const auto* const h = c.holder(); h != nullptr && h->kind != purpose::lifecycle) seen.exclusive = h->what();
    seen.reason = reason(c);
  }

  // Of a wake, the hook that takes time tells.
  [[nodiscard]] static std::optional<time_point> since(const cell& c) {
    const bool wakes = c.current_phase() == cell::phase::waking;
    if (!wakes) return c.current_phase() == cell::phase::asleep ? std::nullopt : c.known_extension()->since;
    const auto* const wake = c.known_extension()->underway.get();
    return wake != nullptr ? wake->hook_since() : std::nullopt;
  }

  [[nodiscard]] std::string reason(const cell& c) const {
    switch (c.current_phase()) {
      case cell::phase::asleep: return "asleep";
      case cell::phase::waking:
        return c.known_extension() && c.known_extension()->in_hook() ? "waking: on_create or on_wake has not returned"
                                                    : "waking: loading from the store";
      case cell::phase::awake: break;
      case cell::phase::stopping:
        if (c.known_extension()->in_hook()) return "stopping: on_sleep or on_destroy has not returned";
        return fmt::format("stopping: waits for {} to end", fmt::join(seen.running, ", "));
      case cell::phase::finalising: return "stopping: waits for the last commit";
    }
    if (!seen.exclusive.empty()) return fmt::format("awake: {} keeps others out", seen.exclusive);
    const bool waits = run_loop::lets_sleep(c);
    if (seen.running.size() > (waits ? 1U : 0U)) {
      return fmt::format("awake: {} not ended", fmt::join(seen.running, ", "));
    }
    return fmt::format("awake: {}, {}", waits ? "run waits for a message" : "idle",
                       c.type().options.sleep_after == troupe::never ? "and its definition lets it never sleep"
                                                                     : "sleeps soon");
  }
};

bytes decode_arguments(std::string_view action, std::string_view json) {
  try {
    return from_json(json);
  } catch (const error& e) {
    throw error(errc::invalid_request, fmt::format("{}: {}", action, e.message()));
  }
}

void check_named(const address& to, std::string_view action) {
  if (to.transport->local() != nullptr) static_cast<void>(require_action(*to.type, action));
}

invocation* make_named(executor& home, const address& to, std::string_view action, bytes_view arguments) {
  if (to.transport->local() == nullptr) return new carried_call{home, action, arguments};
  const auto& entry = require_action(*to.type, action);
  return entry.make(home, entry, arguments);
}

}  // namespace detail

// --- by name --------------------------------------------------------------------------------------------------------

template <class Result>
named_call<Result>::named_call(const detail::handle_core& h, std::string_view action, std::string_view json_arguments)
    : call_core{detail::handle_core{h}},
      action_{action},
      arguments_{detail::decode_arguments(action, json_arguments)} {}

template <class Result>
named_call<Result>::named_call(const detail::handle_core& h, std::string_view action, bytes_view cbor_arguments)
    : call_core{detail::handle_core{h}}, action_{action}, arguments_(cbor_arguments.begin(), cbor_arguments.end()) {}

template <class Result>
detail::invocation* named_call<Result>::make(executor& home) {
  auto* const made = detail::make_named(home, target().where(), action_, arguments_);
  if (is_planted(detail::planted::named_exclusive_shared)) made->exclusive = false;
  return made;
}

template <class Result>
Result named_call<Result>::await_resume() {
  conclude();
  buffer value;
  static_cast<const detail::untyped_invocation*>(record())->encode_value(value);
  if constexpr (std::is_same_v<Result, bytes>) {
    return {value.view().begin(), value.view().end()};
  } else {
    return to_json(value.view());
  }
}

template class named_call<std::string>;
template class named_call<bytes>;

// --- id and status --------------------------------------------------------------------------------------------------

detail::invocation* lookup_call::make(executor& home) { return new detail::lookup_invocation{home}; }

actor_id lookup_call::await_resume() {
  conclude();
  return static_cast<const detail::lookup_invocation*>(record())->id;
}

detail::invocation* status_call::make(executor& home) { return new detail::status_invocation{home}; }

actor_status status_call::await_resume() {
  conclude();
  return static_cast<const detail::status_invocation*>(record())->seen;
}

}  // namespace v0
}  // namespace troupe
