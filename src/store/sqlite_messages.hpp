// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include <troupe/store/store.hpp>

#include "sqlite_connection.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// Writes messages, in queues and on their way to them, within the writer's transaction.
class sqlite_messages {
 public:
  explicit sqlite_messages(sqlite_connection& connection);

  /// What the write-set changes of its actor's queues.
  void apply(const write_set& write);
  void remove_all(const actor_id& actor);

  /// The messages that all write-sets send, and those that arrive. A message that does both in one epoch never becomes
  /// a row. `at` is the write-set that is being written.
  void pass_on(const commit_request& request, const write_set*& at);

 private:
  struct arrival {
    std::uint64_t id = 0;
    const write_set* of = nullptr;  ///< null: of none
    bool is_stored = true;
  };

  void put(const write_set& to, const write_set::message& message);
  void gather_arrivals(const commit_request& request);
  void send(const write_set& from, const write_set::sent_message& message);

  sqlite_connection& connection_;
  sqlite_statement put_;
  sqlite_statement remove_;
  sqlite_statement remove_all_;
  sqlite_statement send_;
  sqlite_statement take_;
  std::vector<arrival> arrivals_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
