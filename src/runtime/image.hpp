// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>

#include <troupe/core/actor_id.hpp>
#include <troupe/core/assert.hpp>
#include <troupe/core/buffer.hpp>
#include <troupe/core/fiber.hpp>
#include <troupe/store/store.hpp>

#include "rows.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// What of one actor becomes durable with one epoch. The cell's holder fills it, the committer takes it. It has all
/// that the committer looks at, or every commit would fetch the cells from the cores that run them.
///
///     stage    transition         made by         means
///     unused   -> open            the holder      the image belongs to an epoch
///     open     -> busy            either          that thread alone may look at it, or change it
///     busy     -> open            the holder      the change is complete
///     busy     -> asked           the committer   the state is not encoded: the holder is to encode it
///     busy     -> taken           the committer   nobody changes it until its epoch is durable
///     asked    -> taken           the holder      the state is encoded
///     taken    -> open            the holder      its epoch is durable, and it serves another one
///
/// A thread that made it busy is its owner until the next transition; so is the holder of an asked one.
class image_stage {
 public:
  enum class value : std::uint8_t { unused, open, busy, asked, taken };
  /// What the holder finds: it may change the image and calls `end_change`; or it is awaited, and calls `answer` when
  /// the state is encoded; or the image is the committer's.
  enum class found : std::uint8_t { changeable, awaited, taken };

  /// The holder.
  [[nodiscard]] found begin_change() noexcept {
    for (auto now = now_.load(std::memory_order_acquire);;) {
      if (now == value::asked) return found::awaited;
      if (now == value::unused || now == value::taken) return found::taken;
      if (now == value::busy) {
        now = now_.load(std::memory_order_acquire);  // the committer looks at it, for a moment
      } else if (now_.compare_exchange_weak(now, value::busy, std::memory_order_acquire)) {
        return found::changeable;
      }
    }
  }
  /// The holder, after `begin_change` found it changeable.
  void end_change() noexcept { go(value::busy, value::open); }
  /// The holder, of an image that is awaited.
  void answer() noexcept { go(value::asked, value::taken); }
  /// The holder: whether the committer waits for its answer.
  [[nodiscard]] bool is_awaited() const noexcept { return now_.load(std::memory_order_acquire) == value::asked; }
  /// The holder: the image belongs to an epoch from now on. It is new, or its last epoch is durable.
  void begin() noexcept {
    [[maybe_unused]] const auto before = now_.load(std::memory_order_relaxed);
    TROUPE_ASSERT(before == value::unused || before == value::taken, "an image serves one epoch at a time");
    now_.store(value::open, std::memory_order_release);
  }

  /// The committer, of an image of the epoch that closes; then it calls `take` or `ask`.
  void begin_look() noexcept {
    auto expected = value::open;
    while (!now_.compare_exchange_strong(expected, value::busy, std::memory_order_acquire)) {
      TROUPE_ASSERT(expected == value::open || expected == value::busy, "the committer looks once at each image");
      expected = value::open;
      std::this_thread::yield();  // its holder is filling it just now
    }
  }
  void take() noexcept { go(value::busy, value::taken); }
  void ask() noexcept { go(value::busy, value::asked); }

 private:
  void go([[maybe_unused]] value from, value to) noexcept {
    TROUPE_ASSERT(now_.load(std::memory_order_relaxed) == from, "an image goes from stage to stage as its table says");
    now_.store(to, std::memory_order_release);
  }

  std::atomic<value> now_{value::unused};
};

class cell;

/// The first row of an actor, with the tags that it looks at.
struct creation_row : write_set::creation {
  std::shared_ptr<const tags> kept_labels;
};

struct image {
  explicit image(cell& c) noexcept : owner{&c} {}

  image* next = nullptr;
  cell* owner;
  epoch_number epoch = 0;
  actor_id id{};
  std::uint32_t version = 1;
  image_stage stage;
  write_set::action what = write_set::action::update;
  bool nothing = false;      ///< created and destroyed within the epoch
  bool initialised = true;
  bool encoded = false;      ///< else the state is to be encoded when the epoch closes
  buffer state;              ///< of `keep` it means nothing
  std::unique_ptr<row_changes> rows;   ///< null: none
  std::unique_ptr<creation_row> created;  ///< of `create`
  std::ptrdiff_t counted = 0;          ///< bytes of it in the committer's backlog
  std::size_t state_counted = 0;       ///< of those, the state's
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
