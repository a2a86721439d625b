// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include <malloc.h>
#include <unistd.h>

namespace bench {

/// What the process has in memory, without what the allocator only keeps for later.
inline std::int64_t resident_bytes() {
  ::malloc_trim(0);
  long long pages = 0;
  std::FILE* const statm = std::fopen("/proc/self/statm", "r");
  if (statm == nullptr || std::fscanf(statm, "%*s %lld", &pages) != 1) std::abort();
  std::fclose(statm);
  return pages * ::sysconf(_SC_PAGESIZE);
}

/// What the process has allocated and not given back.
inline std::int64_t allocated_bytes() {
  const auto all = ::mallinfo2();
  return static_cast<std::int64_t>(all.uordblks + all.hblkhd);
}

}  // namespace bench
