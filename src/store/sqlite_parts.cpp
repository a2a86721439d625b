// SPDX-License-Identifier: Apache-2.0
#include "sqlite_parts.hpp"

#include <cstdint>

#include <troupe/core/assert.hpp>

#include "sqlite_schema.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

sqlite_parts::sqlite_parts(sqlite_connection& connection)
    : has_any_{connection.query_number(sql::has_parts) != 0},
      put_{connection.prepare(sql::put_part)},
      remove_{connection.prepare(sql::remove_part)},
      remove_all_{connection.prepare(sql::remove_parts)} {}

void sqlite_parts::apply(const write_set& write) {
  TROUPE_ASSERT(write.what != write_set::action::destroy || write.parts.empty(), "a destroyed actor has no parts");
  for (const part_change& change : write.parts) change.value ? put(write.id, change) : remove(write.id, change);
}

void sqlite_parts::put(const actor_id& actor, const part_change& change) {
  has_any_ = true;  // also if the transaction fails: it need not be right, as long as no row is missed
  put_.bind(1, actor);
  put_.bind(2, std::int64_t{change.collection});
  put_.bind(3, change.key);
  put_.bind(4, *change.value);
  if (change.due) {
    put_.bind(5, std::int64_t{change.due->time_since_epoch().count()});
  } else {
    put_.bind_null(5);
  }
  put_.run();
}

void sqlite_parts::remove(const actor_id& actor, const part_change& change) {
  remove_.bind(1, actor);
  remove_.bind(2, std::int64_t{change.collection});
  remove_.bind(3, change.key);
  remove_.run();
}

void sqlite_parts::remove_all(const actor_id& actor) {
  if (!has_any_) return;
  remove_all_.bind(1, actor);
  remove_all_.run();
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
