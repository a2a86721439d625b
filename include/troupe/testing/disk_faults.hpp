// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>

namespace troupe {
inline namespace v0 {
namespace testing {

/// An operation of SQLite on a file. `any` stands for each of the others.
enum class disk_operation : std::uint8_t {
  any,
  open,
  look,  ///< asks whether a file is there, or for its size
  read,
  write,
  truncate,
  sync,
  remove,
  lock,    ///< of the file, or of its shared memory
  share,   ///< maps shared memory: SQLite's index of the log, which is on no disk here
};

/// How an operation goes wrong. Where one makes no sense, it is an `error`.
enum class disk_effect : std::uint8_t {
  error,      ///< it fails and does nothing
  partial,    ///< a write or a read stops somewhere on the way: a read finds the end of the file there
  full,       ///< a write finds no space, somewhere on the way; an opening, none for a new file
  read_only,  ///< a write is forbidden; an opening gives a file that can only be read
  forgets,    ///< a sync fails, and what it left undone no later one does: as Linux ("fsyncgate")
};

struct disk_fault {
  static constexpr std::uint64_t forever = std::numeric_limits<std::uint64_t>::max();

  disk_effect effect = disk_effect::error;
  std::uint64_t after = 0;        ///< so many operations pass before
  std::uint64_t times = forever;  ///< then so many go wrong
};

}  // namespace testing
}  // namespace v0
}  // namespace troupe
