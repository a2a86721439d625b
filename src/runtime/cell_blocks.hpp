// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>

#include <troupe/core/intrusive_list.hpp>

#include "../core/recycling.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// Memory for cells: blocks of one size, one behind the other, in slabs of up to 64. The more there are,
/// the larger the next slab; it goes when its last block is given back. Any thread may call, and most have slabs of
/// their own: so they do not wait for one another, and each finds in a row what it has made in a row.
class cell_blocks {
 public:
  struct block {
    void* memory;
    std::uint8_t number;  ///< in its slab
  };

  cell_blocks() = default;
  cell_blocks(const cell_blocks&) = delete;
  cell_blocks& operator=(const cell_blocks&) = delete;

  /// All of them have as many bytes, a multiple of `alignment`.
  [[nodiscard]] block take(std::size_t bytes) {
    stripe& mine = stripes_[thread_number() % stripe_count];
    const std::lock_guard lock{mine.mutex};
    slab& from = mine.with_room.empty() ? mine.add_slab(bytes) : *mine.with_room.first();
    const auto number = static_cast<std::uint8_t>(std::countr_zero(from.free));
    from.free &= from.free - 1;
    if (from.free == 0) mine.with_room.remove(from);
    ++mine.count;
    return {reinterpret_cast<std::byte*>(&from) + sizeof(slab) + number * bytes, number};
  }

  void give_back(block b, std::size_t bytes) noexcept {
    auto& to = *reinterpret_cast<slab*>(static_cast<std::byte*>(b.memory) - b.number * bytes - sizeof(slab));
    stripe& its = to.owner;
    const std::lock_guard lock{its.mutex};
    if (to.free == 0) its.with_room.push_front(to);
    to.free |= std::uint64_t{1} << b.number;
    --its.count;
    if (to.free != to.all) return;
    its.with_room.remove(to);
    ::operator delete(&to, std::align_val_t{alignment});
  }

  static constexpr std::size_t alignment = 16;

 private:
  static constexpr std::size_t slab_blocks_max = TROUPE_RECYCLE_BLOCKS != 0 ? 64 : 1;

  static constexpr std::size_t stripe_count = 16;

  struct stripe;
  struct alignas(alignment) slab {
    stripe& owner;
    std::uint64_t all;   ///< a bit for each block
    std::uint64_t free;  ///< for each that nobody has
    list_link<slab> place{};
  };

  struct alignas(64) stripe {
    slab& add_slab(std::size_t bytes) {
      const auto blocks = std::clamp<std::size_t>(count, 1, slab_blocks_max);
      const auto all = ~std::uint64_t{0} >> (64 - blocks);
      auto* const memory = ::operator new(sizeof(slab) + blocks * bytes, std::align_val_t{alignment});
      auto* const made = new (memory) slab{*this, all, all};
      with_room.push_front(*made);
      return *made;
    }

    std::mutex mutex;
    intrusive_list<slab, &slab::place> with_room;  ///< those that have a free block
    std::size_t count = 0;
  };

  static unsigned thread_number() noexcept {
    static std::atomic<unsigned> count{0};
    thread_local const unsigned mine = count.fetch_add(1, std::memory_order_relaxed);
    return mine;
  }

  std::array<stripe, stripe_count> stripes_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
