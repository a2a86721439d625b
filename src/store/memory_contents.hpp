// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>

#include <troupe/store/store.hpp>

#include "memory_parts.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// All that a `troupe::memory` holds. It outlives the stores that are opened on it, one after the other.
struct memory_contents {
  struct definition {
    std::map<std::string, actor_id, std::less<>> by_key;
    std::set<actor_id> ids;
  };

  using queues = std::map<std::uint64_t, message_record>;

  std::atomic<bool> is_owned = false;
  std::mutex mutex;  // not shared: glibc lets a stream of readers keep a writer out
  std::unordered_map<actor_id, actor_record> actors;  // without messages and parts
  std::map<std::string, definition, std::less<>> definitions;
  std::map<actor_id, queues> messages;  // of those that have any
  memory_parts parts;
  std::map<std::uint64_t, bytes> outgoing;
  std::uint64_t openings = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
