// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

namespace troupe {
inline namespace v0 {
namespace testing {
struct test_door;
}  // namespace testing
namespace detail {

class cell;

/// Cells by their hash: open addressing in buckets of one cache line, where 32 bits of its hash stand beside each cell.
/// So a look-up touches one line, seldom a second one, and then the cell that it looks for; growing touches no cell. A
/// bucket counts what found it full and went on, so that a look-up knows where to end, and nothing is left of what was
/// removed. Not thread-safe.
class cell_table {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return count_; }

  /// The cell with this hash that `is` says yes to; null if there is none.
  template <class Is>
  [[nodiscard]] cell* find(std::uint32_t hash, Is&& is) const {
    for (std::size_t n = 0, at = hash; n != bucket_count_; ++n, ++at) {
      const bucket& b = buckets_[at & (bucket_count_ - 1)];
      for (std::size_t i = 0; i != cells_per_bucket; ++i) {
        if (b.hashes[i] == hash && b.cells[i] != nullptr && is(*b.cells[i])) return b.cells[i];
      }
      if (b.passed == 0) break;
    }
    return nullptr;
  }

  /// Begins to fetch what a find() will look at. May be called while another thread changes the table: at worst it
  /// fetches what nobody needs.
  void fetch(std::uint32_t hash) const noexcept {
    const auto first = shown_.load(std::memory_order_relaxed);
    const auto at = hash & (shown_count_.load(std::memory_order_relaxed) - 1);
    __builtin_prefetch(reinterpret_cast<const void*>(first + at * sizeof(bucket)));
  }

  /// For one more.
  void make_room() {
    if (count_ >= bucket_count_ * filled_max) resize(bucket_count_ == 0 ? 1 : bucket_count_ * 2);
  }

  /// One that is not in it, and that there is room for.
  void insert(std::uint32_t hash, cell& c) noexcept {
    place(hash, c);
    ++count_;
  }

  /// One that is in it.
  void erase(std::uint32_t hash, const cell& c) noexcept {
    for (std::size_t at = hash;; ++at) {
      bucket& b = buckets_[at & (bucket_count_ - 1)];
      for (auto& each : b.cells) {
        if (each != &c) continue;
        each = nullptr;
        --count_;
        return shrink();
      }
      --b.passed;
    }
  }

  template <class F>
  void for_each(F&& f) const {
    for (std::size_t at = 0; at != bucket_count_; ++at) {
      for (cell* const c : buckets_[at].cells) {
        if (c != nullptr) f(*c);
      }
    }
  }

 private:
  friend struct testing::test_door;

  static constexpr std::size_t cells_per_bucket = 5;
  static constexpr std::size_t filled_max = 4;  ///< of them, on average

  struct alignas(64) bucket {
    std::array<std::uint32_t, cells_per_bucket> hashes{};
    std::uint32_t passed = 0;
    std::array<cell*, cells_per_bucket> cells{};
  };

  void place(std::uint32_t hash, cell& c) noexcept {
    for (std::size_t at = hash;; ++at) {
      bucket& b = buckets_[at & (bucket_count_ - 1)];
      for (std::size_t i = 0; i != cells_per_bucket; ++i) {
        if (b.cells[i] != nullptr) continue;
        b.hashes[i] = hash;
        b.cells[i] = &c;
        return;
      }
      ++b.passed;
    }
  }

  // When a crowd has gone, so does the memory for it.
  void shrink() noexcept {
    if (bucket_count_ < 8 || count_ >= bucket_count_ / 8) return;
    try {
      resize(bucket_count_ / 4);
    } catch (const std::bad_alloc&) {
      // It keeps what it has.
    }
  }

  void resize(std::size_t wanted) {
    const auto old = std::exchange(buckets_, std::make_unique<bucket[]>(wanted));
    const auto old_count = std::exchange(bucket_count_, wanted);
    shown_.store(reinterpret_cast<std::uintptr_t>(buckets_.get()), std::memory_order_relaxed);
    shown_count_.store(wanted, std::memory_order_relaxed);
    for (std::size_t at = 0; at != old_count; ++at) {
      for (std::size_t i = 0; i != cells_per_bucket; ++i) {
        if (old[at].cells[i] != nullptr) place(old[at].hashes[i], *old[at].cells[i]);
      }
    }
  }

  std::unique_ptr<bucket[]> buckets_;
  std::size_t bucket_count_ = 0;  ///< a power of two
  std::size_t count_ = 0;
  std::atomic<std::uintptr_t> shown_{0};      ///< where the buckets are, for who has no lock
  std::atomic<std::size_t> shown_count_{1};
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
