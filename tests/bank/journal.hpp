// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "../lives/journal.hpp"

namespace bank_test {

/// A life tells its parent: before an order is sent that it will be tried, after it how it went.
struct record {
  enum class what : std::uint8_t {
    ready,      ///< the store is open, traffic begins
    finished,   ///< it ended by itself, after a shutdown
    complaint,  ///< text: something that must not be
    trying,     ///< an order will be sent
    accepted,   ///< it is in the payer's queue
    paid,       ///< it has been executed
    refused,    ///< it was not covered
  };

  what kind{};
  std::uint16_t from = 0;
  std::uint16_t to = 0;
  std::uint32_t amount = 0;
  std::uint64_t number = 0;
  std::array<char, 160> text{};
};

class journal : public lives::journal<record> {
 public:
  using lives::journal<record>::journal;
  using lives::journal<record>::say;

  void say(record::what kind, std::uint64_t number) const {
    record r;
    r.kind = kind;
    r.number = number;
    write(r);
  }
};

}  // namespace bank_test
