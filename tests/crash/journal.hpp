// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <troupe/core/actor_id.hpp>

#include "../lives/journal.hpp"

namespace crash {

/// A life tells its parent: before an operation that it will be tried, after it that it was acknowledged.
struct record {
  enum class what : std::uint8_t {
    ready,        ///< the store is open, traffic begins
    finished,     ///< it ended by itself, after a shutdown
    complaint,    ///< text: something that must not be
    counter_add,
    counter_read,
    wallet_send,  ///< value: the route, a byte for each stop, 0xff behind the last
    wallet_tell,
    mayfly_create,
    mayfly_touch,
    mayfly_end,
    gauge_tick,   ///< acknowledged only where it was saved
  };

  what kind{};
  bool acknowledged = false;
  std::uint16_t subject = 0;     ///< which counter, wallet, ...
  std::uint64_t value = 0;
  troupe::actor_id id{};
  std::array<char, 200> text{};
};

class journal : public lives::journal<record> {
 public:
  using lives::journal<record>::journal;

  void trying(record::what kind, std::size_t subject, std::uint64_t value = 0, const troupe::actor_id& id = {}) const {
    write({.kind = kind, .subject = static_cast<std::uint16_t>(subject), .value = value, .id = id});
  }
  void done(record::what kind, std::size_t subject, std::uint64_t value = 0, const troupe::actor_id& id = {}) const {
    const auto which = static_cast<std::uint16_t>(subject);
    write({.kind = kind, .acknowledged = true, .subject = which, .value = value, .id = id});
  }
};

}  // namespace crash
