// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <troupe/store/store.hpp>

#include "sqlite_connection.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// Writes rows of actors' parts within the writer's transaction.
class sqlite_parts {
 public:
  explicit sqlite_parts(sqlite_connection& connection);

  /// What the write-set changes of its actor's parts.
  void apply(const write_set& write);
  /// Takes no time in a database that has no parts.
  void remove_all(const actor_id& actor);

 private:
  void put(const actor_id& actor, const part_change& change);
  void remove(const actor_id& actor, const part_change& change);

  bool has_any_;  ///< there may be rows
  sqlite_statement put_;
  sqlite_statement remove_;
  sqlite_statement remove_all_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
