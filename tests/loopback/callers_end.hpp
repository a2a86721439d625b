// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <troupe/actor/transport.hpp>
#include <troupe/core/assert.hpp>
#include <troupe/core/counted_ptr.hpp>
#include <troupe/troupe.hpp>

#include "actors_end.hpp"
#include "channel.hpp"
#include "frames.hpp"

namespace loopback {

namespace detail = troupe::detail;

/// The callers' end of a link: a transport whose actors are those of another runtime, which it reaches by frames alone.
/// Of the types it has the definitions, as any program has that calls with them.
class callers_end final : public detail::transport, public std::enable_shared_from_this<callers_end> {
 public:
  using definitions = std::vector<std::shared_ptr<const detail::definition>>;

  /// `home` is the runtime of the callers, on whose executor they go on. Both are transports of runtimes.
  static std::shared_ptr<callers_end> link(const std::shared_ptr<detail::transport>& home,
                                           const std::shared_ptr<detail::transport>& actors, definitions known) {
    const auto made = std::make_shared<callers_end>(home, std::move(known));
    auto to_callers = std::make_shared<channel>(home, [end = std::weak_ptr{made}](troupe::bytes_view frame) {
      if (const auto self = end.lock()) self->take(frame);
    });
    made->actors_ = std::make_shared<actors_end>(actors, std::move(to_callers));
    made->out_ = std::make_shared<channel>(actors, [end = made->actors_](troupe::bytes_view frame) { end->take(frame); });
    return made;
  }
  callers_end(const std::shared_ptr<detail::transport>& home, definitions known)
      : transport{home->exec()}, home_{home}, known_{std::move(known)} {}
  ~callers_end() override { actors_->cut(); }

  /// Cuts the link, for good. Calls under way fail with `transport.lost`, later ones with `transport.unreachable`, and
  /// connections end with `transport.lost`.
  void cut() {
    std::map<std::uint64_t, std::unique_ptr<pending>> calls;
    std::map<std::uint64_t, troupe::detail::counted_ptr<detail::connection_core>> connections;
    {
      const std::lock_guard lock{mutex_};
      is_cut_ = true;
      calls.swap(pending_);
      connections.swap(connections_);
      listeners_.clear();
    }
    out_->close();
    actors_->cut();
    const auto lost = std::make_exception_ptr(troupe::error{troupe::errc::transport_lost, "the loopback"});
    for (auto& [number, connection] : connections) detail::connection_core::far_end::end(*connection, lost);
    for (auto& [number, call] : calls) {
      call->watch.reset();
      call->waiting.failure = lost;
      finish(call->waiting);
    }
  }

  // --- the transport ---

  const detail::definition& find(const void* type) const override {
    const auto found = std::ranges::find(known_, type, [](const auto& d) { return d->type; });
    if (found != known_.end()) return **found;
    throw troupe::error{troupe::errc::not_registered, fmt::format("the struct {0}; add registry.use<{0}>(\"name\")",
                                                                  *static_cast<const std::string_view*>(type))};
  }
  const detail::definition* find(std::string_view name) const noexcept override {
    const auto found = std::ranges::find(known_, name, [](const auto& d) { return std::string_view{d->name}; });
    return found != known_.end() ? found->get() : nullptr;
  }
  std::vector<std::string_view> names() const override {
    std::vector<std::string_view> all;
    for (const auto& d : known_) all.emplace_back(d->name);
    return all;
  }

  void require_running() const override { home_->require_running(); }

  void send(detail::invocation& inv, std::chrono::nanoseconds limit) noexcept override {
    TROUPE_ASSERT(inv.origin->transport.get() == this && inv.target == nullptr, "a call goes by its own transport");
    if (inv.abandoned()) return finish(inv);
    if (inv.given_up.stop_requested()) {
      return refuse(inv, std::make_exception_ptr(troupe::error{troupe::errc::aborted, inv.origin->name()}));
    }
    const bool is_answered_later = !inv.posted;  // the invocation may be gone once the frame has left
    to_actors f;
    try {
      write_request(f, inv, limit);
      {
        const std::lock_guard lock{mutex_};
        if (is_cut_) throw troupe::error{troupe::errc::transport_unreachable, inv.origin->name()};
        f.number = ++numbers_;
        const auto waiting = pending_.emplace(f.number, std::make_unique<pending>(inv)).first;
        if (!out_->send(troupe::encode(f))) {
          pending_.erase(waiting);
          home_->require_running();  // the end of the callers' own runtime comes first
          throw troupe::error{troupe::errc::transport_unreachable, inv.origin->name()};
        }
      }
    } catch (...) {
      return refuse(inv, std::current_exception());
    }
    if (is_answered_later) watch(f.number);
  }

  void refuse(detail::invocation& inv, std::exception_ptr why) noexcept override {
    inv.failure = std::move(why);
    finish(inv);
  }

  void report(const std::exception_ptr& failure, std::string_view where) noexcept override {
    home_->report(failure, where);
  }
  std::string interrupted(std::string what) const override { return home_->interrupted(std::move(what)); }
  void enter_busy() noexcept override { home_->enter_busy(); }
  void leave_busy() noexcept override { home_->leave_busy(); }

 private:
  // Tells the other end that the caller has given up.
  struct on_stop {
    callers_end* owner;
    std::uint64_t number;
    void operator()() const {
      to_actors f;
      f.is = to_actors::kind::cancel;
      f.number = number;
      static_cast<void>(owner->out_->send(troupe::encode(f)));
    }
  };
  struct pending {
    explicit pending(detail::invocation& inv) noexcept : waiting{inv} {}
    detail::invocation& waiting;  ///< with the transport's reference
    std::optional<std::stop_callback<on_stop>> watch;
  };

  // The actor's end of one connection, for this end.
  class visit final : public detail::connection_core::far_end {
   public:
    visit(callers_end& over, std::uint64_t number) : over_{over}, number_{number} {}

    void subscribe(detail::listener& l) noexcept override {
      to_actors f;
      f.is = to_actors::kind::subscribe;
      f.connection = number_;
      f.name = l.of->address->type->events[l.event].name;
      const std::lock_guard lock{over_.mutex_};
      f.number = ++over_.numbers_;
      over_.listeners_.emplace(f.number, detail::counted_ptr<detail::listener>{l});
      static_cast<void>(over_.out_->send(troupe::encode(f)));
    }
    void unsubscribe(detail::listener& l) noexcept override {
      detail::counted_ptr<detail::listener> gone;  // without the lock
      const std::lock_guard lock{over_.mutex_};
      const auto found = std::ranges::find(over_.listeners_, &l, [](const auto& each) { return each.second.get(); });
      if (found == over_.listeners_.end()) return;
      to_actors f;
      f.is = to_actors::kind::unsubscribe;
      f.connection = number_;
      f.number = found->first;
      gone = std::move(found->second);
      over_.listeners_.erase(found);
      static_cast<void>(over_.out_->send(troupe::encode(f)));
    }
    void close() noexcept override { over_.forget(number_); }

    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

   private:
    callers_end& over_;  // the connection's address keeps it
    const std::uint64_t number_;
  };

  void write_request(to_actors& f, const detail::invocation& inv, std::chrono::nanoseconds limit) const {
    auto asked = inv.as_request();
    const detail::address& to = *inv.origin;
    f.verb = static_cast<std::uint8_t>(asked.asks);
    f.intent = static_cast<std::uint8_t>(to.how);
    f.type = to.type->name;
    f.key = to.key;
    f.id = to.id;
    if (to.given) {
      f.input = to.given->input;
      f.labels = to.given->labels;
    }
    f.name = std::move(asked.name);
    f.body = std::move(asked.body);
    f.delay = asked.delay;
    f.limit = limit;
    f.waits = asked.waits;
    f.posted = inv.posted;
    if (inv.via && inv.via->far) f.connection = static_cast<const visit&>(*inv.via->far).number();
  }

  // The request has left: so the other end learns of it before it is called off.
  void watch(std::uint64_t number) noexcept {
    const std::lock_guard lock{mutex_};
    const auto found = pending_.find(number);
    if (found == pending_.end()) return;  // answered already
    auto& call = *found->second;
    call.watch.emplace(call.waiting.stop_token(), on_stop{this, number});
  }

  // --- what comes back ---

  void take(troupe::bytes_view encoded) {
    const auto f = troupe::decode<to_callers>(encoded);
    switch (f.is) {
      case to_callers::kind::answer:
      case to_callers::kind::failure: return take_reply(f);
      case to_callers::kind::granted:
      case to_callers::kind::denied:
      case to_callers::kind::event: return tell_listener(f);
      case to_callers::kind::ended: return end_connection(f);
    }
  }

  void take_reply(const to_callers& f) {
    std::unique_ptr<pending> answered;
    {
      const std::lock_guard lock{mutex_};
      if (is_cut_) return;
      const auto found = pending_.find(f.number);
      TROUPE_ASSERT(found != pending_.end(), "a request is answered exactly once");
      answered = std::move(found->second);
      pending_.erase(found);
    }
    answered->watch.reset();  // without the lock: it may be running
    auto& inv = answered->waiting;
    try {
      if (f.is == to_callers::kind::failure) {
        inv.failure = f.error.to_exception();
      } else if (inv.kind == detail::invocation::purpose::connection) {
        open(f.number, *inv.via, troupe::decode<troupe::actor_id>(f.value));
      } else if (!inv.posted) {
        inv.take_answer(f.has_value ? troupe::bytes_view{f.value} : troupe::bytes_view{});
      }
    } catch (...) {
      inv.failure = std::current_exception();
    }
    finish(inv);
  }

  void open(std::uint64_t number, detail::connection_core& c, const troupe::actor_id& id) {
    {
      const std::lock_guard lock{mutex_};
      connections_.emplace(number, detail::counted_ptr<detail::connection_core>{c});
    }
    detail::connection_core::far_end::open(c, id, std::make_unique<visit>(*this, number));
  }

  void tell_listener(const to_callers& f) {
    detail::counted_ptr<detail::listener> to;
    {
      const std::lock_guard lock{mutex_};
      const auto found = listeners_.find(f.number);
      if (found == listeners_.end()) return;  // it has gone meanwhile
      to = found->second;
    }
    if (f.is == to_callers::kind::granted) return detail::connection_core::far_end::admit(*to);
    if (f.is == to_callers::kind::denied) return to->of->listeners.deny(*to, f.error.to_exception());
    try {
      const auto& entry = to->of->address->type->events[to->event];
      if (entry.decode == nullptr) throw troupe::error{troupe::errc::invalid_data, entry.name};
      const auto heard = detail::counted_ptr<detail::event_record>::adopt(entry.decode(to->event, f.value));
      detail::connection_core::far_end::hear(*to, *heard);
    } catch (...) {
      to->of->close(std::current_exception(), false);
    }
  }

  void end_connection(const to_callers& f) {
    if (const auto ended = forget(f.number)) {
      detail::connection_core::far_end::end(*ended, f.has_error ? f.error.to_exception() : nullptr);
    }
  }

  // The other end may forget it, too.
  detail::counted_ptr<detail::connection_core> forget(std::uint64_t connection) {
    const std::lock_guard lock{mutex_};
    const auto found = connections_.find(connection);
    if (found == connections_.end()) return {};
    auto gone = std::move(found->second);
    connections_.erase(found);
    to_actors f;
    f.is = to_actors::kind::close;
    f.connection = connection;
    static_cast<void>(out_->send(troupe::encode(f)));
    return gone;
  }

  // The transport's part of an invocation is over.
  void finish(detail::invocation& inv) noexcept {
    inv.dependency = 0;
    if (inv.posted) {
      if (inv.failure) report(inv.failure, std::string{inv.what()} + " in " + inv.origin->name());
    } else {
      inv.answer();
    }
    const auto self = shared_from_this();  // the invocation may be the last to name this
    inv.release();
  }

  const std::shared_ptr<detail::transport> home_;
  const definitions known_;
  std::shared_ptr<channel> out_;
  std::shared_ptr<actors_end> actors_;
  std::mutex mutex_;
  std::uint64_t numbers_ = 0;
  bool is_cut_ = false;
  std::map<std::uint64_t, std::unique_ptr<pending>> pending_;
  std::map<std::uint64_t, detail::counted_ptr<detail::connection_core>> connections_;  ///< open, by their requests
  std::map<std::uint64_t, detail::counted_ptr<detail::listener>> listeners_;
};

/// The definitions of a runtime, for callers that know the same types.
inline callers_end::definitions known_to(const std::shared_ptr<detail::transport>& actors) {
  callers_end::definitions all;
  for (const auto name : actors->names()) all.emplace_back(actors, actors->find(name));
  return all;
}

}  // namespace loopback
