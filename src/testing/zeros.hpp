// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <new>

#include <sys/mman.h>

#include <troupe/core/bytes.hpp>

namespace troupe {
inline namespace v0 {
namespace testing {
namespace store_checking {

/// Memory that is only taken where it is written to, and nobody does.
class zeros {
 public:
  explicit zeros(std::size_t size)
      : size_{size},
        at_{::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)} {
    if (at_ == MAP_FAILED) throw std::bad_alloc();
  }
  ~zeros() { ::munmap(at_, size_); }
  zeros(const zeros&) = delete;
  zeros& operator=(const zeros&) = delete;
  [[nodiscard]] bytes_view view() const noexcept { return {static_cast<const std::byte*>(at_), size_}; }

 private:
  std::size_t size_;
  void* at_;
};

/// A store that takes even more is not asked for it.
inline constexpr std::size_t too_large_max = std::size_t{1} << 32;

}  // namespace store_checking
}  // namespace testing
}  // namespace v0
}  // namespace troupe
