// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include <troupe/actor/transport.hpp>
#include <troupe/client/status_record.hpp>
#include <troupe/client/untyped.hpp>
#include <troupe/troupe.hpp>

#include "../../src/runtime/assembly.hpp"
#include "channel.hpp"
#include "frames.hpp"

namespace loopback {

/// The actors' end of a link: does what frames say with the untyped client of a runtime, and answers in frames. It knows
/// the types by name only.
class actors_end final : public std::enable_shared_from_this<actors_end> {
 public:
  actors_end(std::shared_ptr<troupe::detail::transport> actors, std::shared_ptr<channel> to_callers)
      : core_{actors}, client_{std::move(actors)}, out_{std::move(to_callers)} {}

  void take(troupe::bytes_view encoded) {
    auto f = troupe::decode<to_actors>(encoded);
    switch (f.is) {
      case to_actors::kind::request: return begin(std::move(f));
      case to_actors::kind::cancel: return cancel(f.number);
      case to_actors::kind::subscribe: return subscribe(f);
      case to_actors::kind::unsubscribe: return unsubscribe(f.connection, f.number);
      case to_actors::kind::close: static_cast<void>(remove(f.connection)); return;
    }
  }

  /// The link is gone: nobody waits for the requests under way, and nobody is there to hear.
  void cut() {
    std::map<std::uint64_t, std::stop_source> requests;
    std::map<std::uint64_t, std::shared_ptr<visit>> visits;
    {
      const std::lock_guard lock{mutex_};
      requests.swap(requests_);
      visits.swap(visits_);
    }
    for (auto& [number, source] : requests) source.request_stop();
  }

 private:
  using verb = troupe::detail::request::verb;
  using intent = troupe::detail::address::intent;
  using subscriptions = std::map<std::uint64_t, troupe::subscription>;

  // A connection as this end has it.
  struct visit {
    explicit visit(troupe::untyped_connection c) : connection{std::move(c)} {}
    troupe::untyped_connection connection;
    subscriptions heard;  ///< by listener; guarded by the end's lock
    troupe::subscription end;
  };

  // --- requests ---

  void begin(to_actors f) {
    const auto number = f.number;
    try {
      std::stop_source source;
      {
        const std::lock_guard lock{mutex_};
        requests_.emplace(number, source);
      }
      if (f.posted) {
        handle_for(f, source).post(f.name, f.body);
        return answer(number, std::nullopt);
      }
      spawn(serve(shared_from_this(), std::make_shared<const to_actors>(std::move(f)), std::move(source)));
    } catch (...) {
      fail(number, std::current_exception());
    }
  }

  void cancel(std::uint64_t number) {
    std::optional<std::stop_source> source;
    {
      const std::lock_guard lock{mutex_};
      const auto found = requests_.find(number);
      if (found != requests_.end()) source = found->second;  // else the answer is on its way
    }
    if (source) source->request_stop();
  }

  using asked = std::shared_ptr<const to_actors>;

  static troupe::task<> serve(std::shared_ptr<actors_end> self, asked f, std::stop_source source) {
    std::exception_ptr failure;
    try {
      auto served = self->answer_to(f, source);
      co_await std::move(served);
    } catch (...) {
      failure = std::current_exception();
    }
    if (failure) self->fail(f->number, failure);
  }

  troupe::task<> answer_to(asked given, std::stop_source source) {
    const to_actors& f = *given;
    switch (static_cast<verb>(f.verb)) {
      case verb::call: {
        auto call = handle_for(f, source).call(f.name, troupe::bytes_view{f.body});
        auto value = co_await call;
        answer(f.number, std::move(value));
        break;
      }
      case verb::resolve: {
        auto call = handle_for(f, source).resolve();
        const auto id = co_await call;
        answer(f.number, troupe::encode(id));
        break;
      }
      case verb::status: {
        auto call = handle_for(f, source).status();
        const auto status = co_await call;
        answer(f.number, troupe::detail::encode_status(status, core_->exec().now()));
        break;
      }
      case verb::send: {
        const auto to = handle_for(f, source);
        if (f.waits) {
          auto sending = to.send_and_wait(f.name, troupe::bytes_view{f.body});
          auto value = co_await sending;
          answer(f.number, std::move(value));
        } else {
          auto sending = to.send(f.name, troupe::bytes_view{f.body}, troupe::delayed{f.delay});
          co_await sending;
          answer(f.number, std::nullopt);
        }
        break;
      }
      case verb::connect: {
        auto connecting = handle_for(f, source).connect(f.body);
        auto connection = co_await connecting;
        keep(f.number, std::move(connection));
        break;
      }
      case verb::read: {
        auto reading = client_.read(handle_for(f, source));
        auto value = co_await std::move(reading);
        answer(f.number, std::move(value));
        break;
      }
      case verb::destroy: {
        auto ending = client_.destroy(handle_for(f, source));
        co_await std::move(ending);
        answer(f.number, std::nullopt);
        break;
      }
      case verb::list: {
        auto listing = list(given);
        auto value = co_await std::move(listing);
        answer(f.number, std::move(value));
        break;
      }
    }
  }

  // Over the connection of the request, if it has one.
  troupe::untyped_handle handle_for(const to_actors& f, const std::stop_source& source) {
    const auto bounded = [&](const troupe::untyped_handle& h) {
      return h.with(troupe::timeout{f.limit}).with(source.get_token());
    };
    if (f.connection != 0) {
      if (const auto over = find(f.connection)) return bounded(over->connection.actor());
      throw troupe::error{troupe::errc::connection_closed, f.type};
    }
    const auto input = f.input ? troupe::bytes_view{*f.input} : troupe::bytes_view{};
    switch (static_cast<intent>(f.intent)) {
      case intent::by_id: return bounded(client_.open(f.type, f.id));
      case intent::get: return bounded(client_.open(f.type, f.key));
      case intent::get_or_create: return bounded(client_.open_or_create(f.type, f.key, input, f.labels));
      case intent::create: break;
    }
    return bounded(troupe::untyped_handle{troupe::detail::address_key(troupe::detail::transport_of(client_), f.type,
                                                                      intent::create, troupe::key{f.key}, input,
                                                                      f.labels)});
  }

  troupe::task<troupe::bytes> list(asked f) {
    const auto wanted = troupe::decode<troupe::detail::listing_request>(f->body);
    auto listing = wanted.labels ? client_.find(f->type, *wanted.labels, wanted.range())
                                 : client_.list(f->type, wanted.range());
    const auto found = co_await std::move(listing);
    co_return troupe::encode(found);
  }

  // --- connections ---

  // The answer goes first: the other end has to know the connection before it hears of its end.
  void keep(std::uint64_t number, troupe::untyped_connection connection) {
    const auto kept = std::make_shared<visit>(std::move(connection));
    {
      const std::lock_guard lock{mutex_};
      visits_.emplace(number, kept);
    }
    answer(number, troupe::encode(kept->connection.id()));
    const auto end = [out = out_, number](const std::exception_ptr& why) {
      to_callers f;
      f.is = to_callers::kind::ended;
      f.number = number;
      f.has_error = why != nullptr;
      if (why) f.error = troupe::error_record::of(why);
      static_cast<void>(out->send(troupe::encode(f)));
    };
    try {
      kept->end = kept->connection.on_close(end);
    } catch (const troupe::error& closed) {
      end(closed.is(troupe::errc::connection_closed) ? nullptr : std::current_exception());
    } catch (...) {
      end(std::current_exception());
    }
  }

  void subscribe(const to_actors& f) {
    const auto to = find(f.connection);
    if (to == nullptr) return;  // it has ended, and the other end knows, or will
    const auto number = f.number;
    try {
      auto hears = to->connection.on(f.name, [out = out_, number](troupe::bytes_view values) {
        to_callers event;
        event.is = to_callers::kind::event;
        event.number = number;
        event.has_value = true;
        event.value.assign(values.begin(), values.end());
        static_cast<void>(out->send(troupe::encode(event)));
      });
      auto ready = hears.ready();
      {
        const std::lock_guard lock{mutex_};
        to->heard.emplace(number, std::move(hears));
      }
      spawn(settle(shared_from_this(), number, std::move(ready)));
    } catch (...) {
      deny(number, std::current_exception());
    }
  }

  static troupe::task<> settle(std::shared_ptr<actors_end> self, std::uint64_t number, troupe::task<> ready) {
    std::exception_ptr failure;
    try {
      co_await std::move(ready);
    } catch (...) {
      failure = std::current_exception();
    }
    if (failure) {
      self->deny(number, failure);
    } else {
      to_callers f;
      f.is = to_callers::kind::granted;
      f.number = number;
      self->reply(f);
    }
  }

  void deny(std::uint64_t number, const std::exception_ptr& why) {
    to_callers f;
    f.is = to_callers::kind::denied;
    f.number = number;
    f.has_error = true;
    f.error = troupe::error_record::of(why);
    reply(f);
  }

  void unsubscribe(std::uint64_t connection, std::uint64_t number) {
    const auto from = find(connection);
    if (from == nullptr) return;
    troupe::subscription ending;  // without the lock: it waits for its handler
    const std::lock_guard lock{mutex_};
    const auto found = from->heard.find(number);
    if (found == from->heard.end()) return;
    ending = std::move(found->second);
    from->heard.erase(found);
  }

  std::shared_ptr<visit> find(std::uint64_t connection) {
    const std::lock_guard lock{mutex_};
    const auto found = visits_.find(connection);
    return found != visits_.end() ? found->second : nullptr;
  }
  std::shared_ptr<visit> remove(std::uint64_t connection) {
    std::shared_ptr<visit> removed;
    const std::lock_guard lock{mutex_};
    const auto found = visits_.find(connection);
    if (found == visits_.end()) return nullptr;
    removed = std::move(found->second);
    visits_.erase(found);
    return removed;
  }

  // --- answers ---

  void answer(std::uint64_t number, std::optional<troupe::bytes> value) {
    to_callers f;
    f.number = number;
    f.has_value = value.has_value();
    if (value) f.value = std::move(*value);
    end_request(number, f);
  }
  void fail(std::uint64_t number, const std::exception_ptr& why) {
    to_callers f;
    f.is = to_callers::kind::failure;
    f.number = number;
    f.has_error = true;
    f.error = troupe::error_record::of(why);
    end_request(number, f);
  }
  void end_request(std::uint64_t number, const to_callers& f) {
    {
      const std::lock_guard lock{mutex_};
      requests_.erase(number);
    }
    reply(f);
  }
  void reply(const to_callers& f) { static_cast<void>(out_->send(troupe::encode(f))); }

  // The runtime of a local transport is a whole one.
  void spawn(troupe::task<> t) {
    static_cast<troupe::detail::runtime_assembly&>(*core_->local()).spawn(std::move(t));
  }

  const std::shared_ptr<troupe::detail::transport> core_;
  const troupe::client client_;
  const std::shared_ptr<channel> out_;
  std::mutex mutex_;
  std::map<std::uint64_t, std::stop_source> requests_;  ///< under way
  std::map<std::uint64_t, std::shared_ptr<visit>> visits_;
};

}  // namespace loopback
