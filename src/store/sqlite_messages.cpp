// SPDX-License-Identifier: Apache-2.0
#include "sqlite_messages.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "refusal.hpp"
#include "sqlite_schema.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

/// Rows are numbered with a sign; those below nought would come first.
std::int64_t to_sql(std::uint64_t id, const write_set* of) {
  if (id == 0 || id > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    throw refusal(fmt::format("a commit gives a message the id {}; use 1 to 2^63 - 1", id), of);
  }
  return static_cast<std::int64_t>(id);
}

}  // namespace

sqlite_messages::sqlite_messages(sqlite_connection& connection)
    : connection_{connection},
      put_{connection.prepare(sql::put_message)},
      remove_{connection.prepare(sql::remove_message)},
      remove_all_{connection.prepare(sql::remove_messages)},
      send_{connection.prepare(sql::add_outgoing)},
      take_{connection.prepare(sql::remove_outgoing)} {}

void sqlite_messages::apply(const write_set& write) {
  for (const write_set::message& message : write.messages) put(write, message);
  for (const std::uint64_t id : write.removed) {
    remove_.bind(1, write.id);
    remove_.bind(2, to_sql(id, &write));
    remove_.run();
  }
}

void sqlite_messages::remove_all(const actor_id& actor) {
  remove_all_.bind(1, actor);
  remove_all_.run();
}

void sqlite_messages::put(const write_set& to, const write_set::message& message) {
  put_.bind(1, to.id);
  put_.bind(2, to_sql(message.id, &to));
  put_.bind(3, message.queue);
  put_.bind(4, std::int64_t{message.dead});
  put_.bind(5, std::int64_t{message.attempts});
  put_.bind(6, std::int64_t{message.created_at.time_since_epoch().count()});
  put_.bind(7, std::int64_t{message.due_at.time_since_epoch().count()});
  put_.bind(8, message.body);
  put_.run();
}

void sqlite_messages::pass_on(const commit_request& request, const write_set*& at) {
  gather_arrivals(request);
  for (const write_set& write : request.writes) {
    at = &write;
    for (const write_set::sent_message& message : write.sent) send(write, message);
  }
  for (const arrival& each : arrivals_) {
    if (!each.is_stored) continue;
    at = each.of;
    take_.bind(1, to_sql(each.id, each.of));
    take_.run();
  }
}

void sqlite_messages::gather_arrivals(const commit_request& request) {
  arrivals_.clear();
  for (const write_set& write : request.writes) {
    for (const std::uint64_t id : write.arrived) arrivals_.push_back({.id = id, .of = &write});
  }
  for (const std::uint64_t id : request.undeliverable) arrivals_.push_back({.id = id});
  if (!std::ranges::is_sorted(arrivals_, {}, &arrival::id)) std::ranges::sort(arrivals_, {}, &arrival::id);
}

void sqlite_messages::send(const write_set& from, const write_set::sent_message& message) {
  const std::int64_t id = to_sql(message.id, &from);
  const auto found = std::ranges::lower_bound(arrivals_, message.id, {}, &arrival::id);
  if (found != arrivals_.end() && found->id == message.id) {
    found->is_stored = false;
    return;
  }
  send_.bind(1, id);
  send_.bind(2, message.content);
  const int result = send_.try_run();
  if (result == SQLITE_OK) return;
  send_.reset();
  if ((result & 0xff) == SQLITE_CONSTRAINT) {
    throw refusal(fmt::format("a commit sends message {}, which is on its way", id), &from);
  }
  throw connection_.failure(result);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
