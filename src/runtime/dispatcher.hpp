// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include <troupe/core/error.hpp>
#include <troupe/core/work.hpp>
#include <troupe/runtime/cell.hpp>

#include "admission.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// Runs the messages of cells. An invocation gets the verdict of `admit`, and runs, waits in
/// `cell_extension::deferred`, wakes the actor, or is refused. All members are for the holder of the cell.
class dispatcher {
 public:
  /// Runs the messages of a cell that was posted.
  static void run(work& posted) noexcept;
  /// Runs at most `budget` messages. Then the cell is unlocked, or posted with the rest.
  static void run_messages(cell& c, int budget) noexcept;

 private:
  static bool dispatch(cell& c, invocation& inv, work& w) noexcept;
  static void defer(cell& c, work& w) noexcept;
  static void keep_out(cell& c, invocation& inv, work& w) noexcept;
  static void keep_out_of_chain(cell& c, invocation& inv, work& w) noexcept;
  [[nodiscard]] static bool descends(const invocation& inv, const invocation& from) noexcept;
  [[nodiscard]] static verdict admit(const cell& c, const invocation& inv) noexcept;
  static bool wake_for(cell& c, invocation& inv, work& w) noexcept;
  static bool run_admitted(cell& c, invocation& inv) noexcept;
  static void refuse(cell& c, invocation& inv, errc why, std::string_view detail) noexcept;
  static void refuse_as(cell& c, invocation& inv, verdict why) noexcept;
  static void defer_behind(cell& c, invocation& keeps_out, invocation& inv, work& w) noexcept;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
