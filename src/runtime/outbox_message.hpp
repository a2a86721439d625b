// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <troupe/actor/address.hpp>
#include <troupe/actor/queues.hpp>
#include <troupe/core/clock.hpp>
#include <troupe/core/counted_ptr.hpp>
#include <troupe/core/fiber.hpp>
#include <troupe/core/ref_counted.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// A message on its way from an actor to another's queue. What it is never changes, so it may be read by anybody.
///
/// Both ends tell where they are: the sender's image when it is written, the receiver when its image is. Whoever of
/// them is second knows whether the store has, or needs, a row for it.
class outbox_message : public ref_counted<outbox_message> {
 public:
  /// Of `sent_in`: the store has it from before.
  static constexpr epoch_number before = ~epoch_number{0};
  /// Of `sent_in`: it has arrived, and the store need not hear of it.
  static constexpr epoch_number never = before - 1;

  /// The wall times that the store keeps of a delay, both the zero of the clock if there is none.
  struct row_times {
    wall_time due_at{};
    wall_time sent_at{};
  };

  outbox_message(std::uint64_t number, counted_ptr<const address> a, std::uint32_t q, message_body b, time_point at,
         row_times rows) noexcept
      : id{number}, to{std::move(a)}, queue{q}, body{std::move(b)}, due{at}, in_row{rows} {}
  outbox_message(const outbox_message&) = delete;
  outbox_message& operator=(const outbox_message&) = delete;

  /// What the store keeps. By the committer only.
  [[nodiscard]] bytes_view content();

  /// The receiver: it has arrived. Returns the epoch that wrote it, 0 if it was before all; or `never`.
  [[nodiscard]] epoch_number claim() noexcept;

  const std::uint64_t id;  ///< 0: it is never stored
  const counted_ptr<const address> to;
  const std::uint32_t queue;
  const message_body body;
  const time_point due;  ///< or `at_once`
  const row_times in_row;
  std::atomic<epoch_number> sent_in{0};
  std::atomic<epoch_number> arrived_in{0};

 private:
  friend class ref_counted<outbox_message>;
  ~outbox_message() = default;

  bytes content_;
};

/// An outbox message as an earlier process has stored it. The receiver's address has neither a runtime nor a definition
/// yet.
struct stored_outbox_message {
  std::string actor;  ///< the definition's name
  counted_ptr<address> to;
  std::string queue;
  bytes body;
  outbox_message::row_times times;
};

/// Reads what `outbox_message::content` has written; nothing if it cannot be read.
[[nodiscard]] std::optional<stored_outbox_message> decode_parcel(bytes_view content);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
