// SPDX-License-Identifier: Apache-2.0
#include "disk_handle.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <utility>

namespace troupe {
inline namespace v0 {
namespace testing {
namespace detail {
namespace {

constexpr int new_log_or_journal = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL;

}  // namespace

disk_handle::disk_handle(std::shared_ptr<disk_machine> disk, std::shared_ptr<disk_node> node, std::string path,
                         int open_flags)
    : sqlite3_file{},
      disk_{std::move(disk)},
      node_{std::move(node)},
      path_{std::move(path)},
      process_{disk_->process},
      directory_is_synced_{(open_flags & SQLITE_OPEN_CREATE) == 0 || (open_flags & new_log_or_journal) == 0} {
  node_->handles.push_back(this);
}

disk_handle::~disk_handle() {
  unmap_shared(0);
  const std::lock_guard guard{disk_->mutex};
  if (process_ == disk_->process) std::erase(node_->handles, this);
}

int disk_handle::read(void* to, int size, sqlite3_int64 at) {
  const std::lock_guard guard{disk_->mutex};
  if (!is_alive()) return disk_->fail(SQLITE_IOERR_READ, EIO);
  const bytes_view all = node_->file.contents();
  const auto wanted = static_cast<std::size_t>(size);
  const auto from = std::min(static_cast<std::size_t>(at), all.size());
  std::size_t found = std::min(wanted, all.size() - from);
  if (const auto effect = disk_->fault_in(disk_operation::read, path_)) {
    if (effect != disk_effect::partial) return disk_->fail(SQLITE_IOERR_READ, EIO);
    found = disk_->random.below(found);
  }
  const std::span<std::byte> place{static_cast<std::byte*>(to), wanted};
  const auto rest = std::ranges::copy(all.subspan(from, found), place.begin()).out;
  std::fill(rest, place.end(), std::byte{0});
  return found == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

int disk_handle::write(const void* from, int size, sqlite3_int64 at) {
  const std::lock_guard guard{disk_->mutex};
  if (!is_alive()) return disk_->fail(SQLITE_IOERR_WRITE, EIO);
  bytes_view data{static_cast<const std::byte*>(from), static_cast<std::size_t>(size)};
  const auto place = static_cast<std::size_t>(at);
  if (!disk_->begin_change()) return write_partly(data, place, disk_effect::partial);
  if (const auto effect = disk_->fault_in(disk_operation::write, path_)) return write_partly(data, place, *effect);
  const std::size_t end = place + data.size();
  const std::uint64_t growth = end - std::min(end, node_->file.size());
  if (growth != 0) {
    if (const std::uint64_t room = disk_->free_bytes(); room < growth) {
      const std::uint64_t missing = growth - room;
      if (missing < data.size()) node_->file.write(place, data.first(data.size() - missing));
      return disk_->fail(SQLITE_FULL, ENOSPC);
    }
  }
  node_->file.write(place, data);
  return SQLITE_OK;
}

int disk_handle::write_partly(bytes_view data, std::size_t at, disk_effect effect) {
  if (effect == disk_effect::read_only) return disk_->fail(SQLITE_READONLY, EROFS);
  if (effect == disk_effect::partial || effect == disk_effect::full) {
    node_->file.write(at, data.first(disk_->random.below(data.size())));
  }
  if (effect == disk_effect::full) return disk_->fail(SQLITE_FULL, ENOSPC);
  return disk_->fail(SQLITE_IOERR_WRITE, EIO);
}

int disk_handle::truncate(sqlite3_int64 size) {
  const std::lock_guard guard{disk_->mutex};
  if (!is_alive() || !disk_->begin_change() || disk_->fault_in(disk_operation::truncate, path_)) {
    return disk_->fail(SQLITE_IOERR_TRUNCATE, EIO);
  }
  node_->file.resize(static_cast<std::size_t>(size));
  return SQLITE_OK;
}

int disk_handle::sync(int /*flags*/) {
  const std::lock_guard guard{disk_->mutex};
  if (!is_alive() || !disk_->begin_change()) return disk_->fail(SQLITE_IOERR_FSYNC, EIO);
  if (const auto effect = disk_->fault_in(disk_operation::sync, path_)) {
    if (effect == disk_effect::forgets) node_->file.forget(disk_->random);
    return disk_->fail(SQLITE_IOERR_FSYNC, EIO);
  }
  node_->file.sync();
  if (!std::exchange(directory_is_synced_, true)) disk_->directory.sync();
  return SQLITE_OK;
}

int disk_handle::file_size(sqlite3_int64* size) {
  const std::lock_guard guard{disk_->mutex};
  if (!is_alive() || disk_->fault_in(disk_operation::look, path_)) return disk_->fail(SQLITE_IOERR_FSTAT, EIO);
  *size = static_cast<sqlite3_int64>(node_->file.size());
  return SQLITE_OK;
}

// --- locks, as SQLite describes them in os.h ---

int disk_handle::highest_lock_of_others() const noexcept {
  int highest = SQLITE_LOCK_NONE;
  for (const disk_handle* each : node_->handles) {
    if (each != this) highest = std::max(highest, each->lock_);
  }
  return highest;
}

int disk_handle::lock(int level) {
  const std::lock_guard guard{disk_->mutex};
  if (!is_alive() || disk_->fault_in(disk_operation::lock, path_)) return disk_->fail(SQLITE_IOERR_LOCK, EIO);
  if (lock_ >= level) return SQLITE_OK;
  const int others = highest_lock_of_others();
  if (level == SQLITE_LOCK_SHARED) {
    if (others >= SQLITE_LOCK_PENDING) return SQLITE_BUSY;
  } else if (others >= SQLITE_LOCK_RESERVED) {
    return SQLITE_BUSY;
  } else if (level == SQLITE_LOCK_EXCLUSIVE && others >= SQLITE_LOCK_SHARED) {
    lock_ = SQLITE_LOCK_PENDING;  // lets no new readers in
    return SQLITE_BUSY;
  }
  lock_ = level;
  return SQLITE_OK;
}

int disk_handle::unlock(int level) {
  const std::lock_guard guard{disk_->mutex};
  lock_ = std::min(lock_, level);
  return SQLITE_OK;
}

int disk_handle::check_reserved_lock(int* found) {
  const std::lock_guard guard{disk_->mutex};
  if (!is_alive() || disk_->fault_in(disk_operation::lock, path_)) {
    return disk_->fail(SQLITE_IOERR_CHECKRESERVEDLOCK, EIO);
  }
  *found = std::max(lock_, highest_lock_of_others()) >= SQLITE_LOCK_RESERVED;
  return SQLITE_OK;
}

int disk_handle::control(int what, void* argument) {
  const std::lock_guard guard{disk_->mutex};
  if (what == SQLITE_FCNTL_LAST_ERRNO) {
    *static_cast<int*>(argument) = disk_->system_error;
    return SQLITE_OK;
  }
  if (what == SQLITE_FCNTL_LOCKSTATE) {
    *static_cast<int*>(argument) = lock_;
    return SQLITE_OK;
  }
  return SQLITE_NOTFOUND;
}

// --- shared memory ---

int disk_handle::map_shared(int region, int size, int extend, void volatile** memory) {
  const std::lock_guard guard{disk_->mutex};
  *memory = nullptr;
  if (!is_alive()) return disk_->fail(SQLITE_IOERR_SHMMAP, EIO);
  if (const auto effect = disk_->fault_in(disk_operation::share, path_)) {
    if (effect == disk_effect::full && extend != 0) return disk_->fail(SQLITE_IOERR_SHMSIZE, ENOSPC);
    return disk_->fail(SQLITE_IOERR_SHMMAP, EIO);
  }
  if (shared_ == nullptr) {
    if (node_->shared == nullptr) node_->shared = std::make_shared<shared_memory>();
    shared_ = node_->shared;
    ++shared_->users;
  }
  const auto at = static_cast<std::size_t>(region);
  while (at >= shared_->regions.size()) {
    if (extend == 0) return SQLITE_OK;
    shared_->regions.push_back(std::make_unique<std::byte[]>(static_cast<std::size_t>(size)));
  }
  *memory = shared_->regions[at].get();
  return SQLITE_OK;
}

int disk_handle::lock_shared(int from, int count, int flags) {
  const std::lock_guard guard{disk_->mutex};
  if ((flags & SQLITE_SHM_UNLOCK) != 0) {
    unlock_shared(from, count);
    return SQLITE_OK;
  }
  if (!is_alive() || shared_ == nullptr || disk_->fault_in(disk_operation::lock, path_)) {
    return disk_->fail(SQLITE_IOERR_SHMLOCK, EIO);
  }
  const bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
  const auto end = static_cast<std::size_t>(from + count);
  for (auto at = static_cast<std::size_t>(from); at != end; ++at) {
    const int others = shared_->locks[at] - (holds_shared_[at] ? 1 : 0);
    if (!holds_exclusive_[at] && (others < 0 || (exclusive && others > 0))) return SQLITE_BUSY;
  }
  for (auto at = static_cast<std::size_t>(from); at != end; ++at) {
    if (exclusive) {
      shared_->locks[at] = shared_memory::exclusive;
      holds_exclusive_[at] = true;
    } else if (!std::exchange(holds_shared_[at], true)) {
      ++shared_->locks[at];
    }
  }
  return SQLITE_OK;
}

void disk_handle::unlock_shared(int from, int count) noexcept {
  if (shared_ == nullptr) return;
  const auto end = static_cast<std::size_t>(from + count);
  for (auto at = static_cast<std::size_t>(from); at != end; ++at) {
    if (std::exchange(holds_exclusive_[at], false)) {
      shared_->locks[at] = 0;
      holds_shared_[at] = false;
    }
    if (std::exchange(holds_shared_[at], false)) --shared_->locks[at];
  }
}

void disk_handle::shared_barrier() {
  const std::lock_guard guard{disk_->mutex};
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

int disk_handle::unmap_shared(int /*remove*/) {
  const std::lock_guard guard{disk_->mutex};
  if (shared_ == nullptr) return SQLITE_OK;
  unlock_shared(0, static_cast<int>(shared_memory::locks_max));
  if (--shared_->users == 0 && node_->shared == shared_) node_->shared.reset();
  shared_.reset();
  return SQLITE_OK;
}

}  // namespace detail
}  // namespace testing
}  // namespace v0
}  // namespace troupe
