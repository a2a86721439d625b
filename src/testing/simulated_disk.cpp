// SPDX-License-Identifier: Apache-2.0
#include <troupe/testing/simulated_disk.hpp>

#include <algorithm>
#include <atomic>
#include <utility>

#include <fmt/format.h>

#include <troupe/core/error.hpp>

#include "disk_machine.hpp"

namespace troupe {
inline namespace v0 {
namespace testing {

namespace detail {
namespace {

std::atomic<std::uint64_t> disks_made{0};
std::atomic<std::uint64_t> disks_alive{0};

/// Nought gives them back to the system. The log's salts and the journal's checksums come from them.
void seed_random_numbers_of_sqlite(std::uint64_t seed) noexcept {
  sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, static_cast<int>(seed & 0x7fffffff), nullptr);
}

}  // namespace

disk_machine::disk_machine(std::uint64_t seed)
    : name{fmt::format("troupe-disk-{}", ++disks_made)}, random{seed}, vfs_{make_vfs(*this)} {
  if (sqlite3_vfs_register(&vfs_, 0) != SQLITE_OK) throw error(errc::store_failed, "SQLite takes no file system");
  ++disks_alive;
  seed_random_numbers_of_sqlite(random.next() | 1);
}

disk_machine::~disk_machine() {
  sqlite3_vfs_unregister(&vfs_);
  if (--disks_alive == 0) seed_random_numbers_of_sqlite(0);
}

bool disk_machine::begin_change() noexcept {
  if (changes_left == 0) {
    is_halted = true;
    return false;
  }
  if (changes_left != unlimited) --changes_left;
  ++changes;
  return true;
}

std::optional<disk_effect> disk_machine::fault_in(disk_operation what, std::string_view file) noexcept {
  if (first_user == std::thread::id{}) first_user = std::this_thread::get_id();
  if (first_user != std::this_thread::get_id()) has_other_users = true;
  for (auto& [operation, suffix, fault] : faults) {
    if ((operation != what && operation != disk_operation::any) || !file.ends_with(suffix)) continue;
    if (fault.after != 0) {
      --fault.after;
      continue;
    }
    if (fault.times == 0) continue;
    if (fault.times != disk_fault::forever) --fault.times;
    ++failures;
    return fault.effect;
  }
  return std::nullopt;
}

int disk_machine::fail(int result, int error_number) noexcept {
  system_error = error_number;
  return result;
}

std::uint64_t disk_machine::free_bytes() const noexcept {
  if (capacity_bytes == unlimited) return unlimited;
  std::uint64_t used = 0;
  for (const auto& [path, node] : directory.all()) used += node->file.size();
  return capacity_bytes - std::min(used, capacity_bytes);
}

void disk_machine::end_process() noexcept {
  ++process;
  is_halted = false;
  changes_left = unlimited;
  for (const auto& [path, node] : directory.all()) {
    node->handles.clear();
    node->shared.reset();
  }
}

}  // namespace detail

simulated_disk::simulated_disk(std::uint64_t seed) : machine_{std::make_shared<detail::disk_machine>(seed)} {}

simulated_disk::~simulated_disk() = default;

const std::string& simulated_disk::name() const noexcept { return machine_->name; }

store_factory simulated_disk::sqlite(std::string path, sqlite_options options) const {
  options.vfs = name();
  return [disk = machine_, open = troupe::sqlite{std::move(path), std::move(options)}] { return open(); };
}

void simulated_disk::crash() {
  const std::lock_guard lock{machine_->mutex};
  machine_->end_process();
}

void simulated_disk::power_cut() {
  const std::lock_guard lock{machine_->mutex};
  machine_->end_process();
  machine_->directory.lose_unsynced(machine_->random);
  for (const auto& [path, node] : machine_->directory.all()) {
    node->handles.clear();  // of a file that had been removed, and is back
    node->shared.reset();
    node->file.lose_unsynced(machine_->random);
  }
}

void simulated_disk::halt_after(std::uint64_t changes) {
  const std::lock_guard lock{machine_->mutex};
  machine_->changes_left = changes;
}

bool simulated_disk::halted() const {
  const std::lock_guard lock{machine_->mutex};
  return machine_->is_halted;
}

std::uint64_t simulated_disk::changes() const {
  const std::lock_guard lock{machine_->mutex};
  return machine_->changes;
}

void simulated_disk::fail(disk_operation what, std::string_view suffix, disk_fault fault) {
  const std::lock_guard lock{machine_->mutex};
  machine_->faults.push_back({what, std::string{suffix}, fault});
}

void simulated_disk::heal() {
  const std::lock_guard lock{machine_->mutex};
  machine_->faults.clear();
}

std::uint64_t simulated_disk::failures() const {
  const std::lock_guard lock{machine_->mutex};
  return machine_->failures;
}

void simulated_disk::set_capacity(std::uint64_t bytes) {
  const std::lock_guard lock{machine_->mutex};
  machine_->capacity_bytes = bytes;
}

std::vector<std::string> simulated_disk::files() const {
  const std::lock_guard lock{machine_->mutex};
  std::vector<std::string> found;
  for (const auto& [path, node] : machine_->directory.all()) found.push_back(path);
  return found;
}

bytes simulated_disk::contents(const std::string& path) const {
  const std::lock_guard lock{machine_->mutex};
  const auto node = machine_->directory.find(path);
  if (node == nullptr) throw error(errc::store_failed, fmt::format("the simulated disk has no file '{}'", path));
  const bytes_view found = node->file.contents();
  return {found.begin(), found.end()};
}

void simulated_disk::replace(const std::string& path, bytes_view contents) {
  const std::lock_guard lock{machine_->mutex};
  auto node = machine_->directory.find(path);
  if (node == nullptr) {
    node = std::make_shared<detail::disk_node>();
    machine_->directory.set(path, node);
    machine_->directory.sync();
  }
  node->file.resize(0);
  node->file.write(0, contents);
  node->file.sync();
}

void simulated_disk::overwrite(const std::string& path, std::size_t at, bytes_view contents) {
  const std::lock_guard lock{machine_->mutex};
  const auto node = machine_->directory.find(path);
  if (node == nullptr) throw error(errc::store_failed, fmt::format("the simulated disk has no file '{}'", path));
  node->file.write(at, contents);
  node->file.sync();
}

void simulated_disk::remove(const std::string& path) {
  const std::lock_guard lock{machine_->mutex};
  if (machine_->directory.find(path) == nullptr) return;
  machine_->directory.set(path, nullptr);
  machine_->directory.sync();
}

}  // namespace testing
}  // namespace v0
}  // namespace troupe
