// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>

#include <troupe/core/executor.hpp>
#include <troupe/core/member_work.hpp>
#include <troupe/store/store.hpp>

#include "../store/load_list.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// Asks the store for the actors that wake. A request waits behind what its thread has to do already, and whatever has
/// come by then is asked together: who wakes alone is asked for at once, a crowd in few goes. A thread of the host asks
/// at once, and does not wait for another.
class loader {
 public:
  loader(executor& exec, store& stored) noexcept : executor_{exec}, store_{stored} {}

  /// From any thread. Whoever waits for the answer keeps the runtime alive.
  void add(load_request& r) noexcept;

 private:
  void load_some() noexcept;

  executor& executor_;
  store& store_;
  std::mutex mutex_;
  load_list asked_;  ///< while there is one, the job is posted
  member_work<&loader::load_some> job_{*this};
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
