// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <troupe/core/fiber.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

/// A link of a call chain: an exclusive action or a lifecycle procedure, which keeps others out of its actor. Calls
/// that descend from it carry it, and may enter: they are what it waits for.
///
/// A link descends from its parent. It also descends from the links of calls that wait for what it stands for: those
/// that an actor defers until it has woken, and the sender of a message that waits for its answer. All members may be
/// called from any thread.
class call_chain {
 public:
  using pointer = std::shared_ptr<call_chain>;

  explicit call_chain(pointer parent) noexcept : parent_{std::move(parent)} {}

  /// From now on a call that carries `waiting` waits for this link.
  void join(const pointer& waiting);
  /// It waits no longer.
  void part(const pointer& waiting) noexcept;
  /// It has ended, and no call waits for it any longer.
  void part_from_all() noexcept;
  [[nodiscard]] bool descends_from(const call_chain& other) const;
  [[nodiscard]] const call_chain* parent() const noexcept { return parent_.get(); }

 private:
  using visited = std::vector<const call_chain*>;
  [[nodiscard]] bool finds(const call_chain& other, visited& seen) const;

  const pointer parent_;
  mutable spin_flag lock_;
  // Weak, since a call that has ended waits for nothing, and two links that join each other must not keep each other.
  std::vector<std::weak_ptr<call_chain>> joined_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
