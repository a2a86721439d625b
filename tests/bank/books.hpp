// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "audit.hpp"
#include "journal.hpp"

namespace bank_test {

/// Every order that was ever tried, and what is known of it. An order leaves its number on the statements of both its
/// ends, or among the refused ones of its payer: so one that is lost, executed twice or in part is seen as such.
class books {
 public:
  void hear(const record& r);

  /// Whatever cannot be. Empty: every order has been executed or refused, at most once, and all that were accepted are.
  [[nodiscard]] std::vector<std::string> faults_of(const audit& seen);

  [[nodiscard]] std::uint64_t next_order() const noexcept { return orders_.size() + 1; }
  [[nodiscard]] std::uint64_t accepted() const noexcept { return accepted_; }
  [[nodiscard]] std::uint64_t paid() const noexcept { return paid_; }

 private:
  enum class verdict : std::uint8_t { unknown, paid, refused };
  struct entry {
    bool tried = false;
    bool accepted = false;
    verdict told = verdict::unknown;  ///< by the bank to its customer
    std::uint16_t from = 0;
    std::uint16_t to = 0;
    std::uint32_t amount = 0;
    // As an audit has it:
    std::uint32_t debits = 0;
    std::uint32_t credits = 0;
    std::uint32_t refusals = 0;
  };
  using faults = std::vector<std::string>;

  void count(const audit& seen, faults& all);
  [[nodiscard]] entry* find(std::uint64_t number);
  void check(std::uint64_t number, const entry& e, faults& all) const;

  std::vector<entry> orders_;  ///< the first has number 1
  std::uint64_t accepted_ = 0;
  std::uint64_t paid_ = 0;  ///< of the last audit
};

}  // namespace bank_test
