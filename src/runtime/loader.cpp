// SPDX-License-Identifier: Apache-2.0
#include "loader.hpp"

#include <cstddef>
#include <utility>

#include <troupe/core/fiber.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

// So many share what a read costs the store before and after it, and other threads have something to do, too.
constexpr std::size_t together_max = 64;

}  // namespace

void loader::add(load_request& r) noexcept {
  if (!executor_.on_worker()) return store_.load(r);  // a thread of the host, which has nothing else to do meanwhile
  {
    const std::lock_guard lock{mutex_};
    const bool is_first = asked_.empty();
    asked_.push_back(r);
    if (!is_first) return;
  }
  executor_.post_behind(job_);
}

void loader::load_some() noexcept {
  load_list some;
  bool more = false;
  {
    const std::lock_guard lock{mutex_};
    for (std::size_t count = 0; count != together_max && !asked_.empty(); ++count) some.push_back(*asked_.pop_front());
    more = !asked_.empty();
  }
  if (more) executor_.post_behind(job_);  // another thread may do that meanwhile
  const post_batch together{executor_};
  store_.load_all(*some.first());
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
