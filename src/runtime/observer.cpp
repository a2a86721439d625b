// SPDX-License-Identifier: Apache-2.0
#include <troupe/runtime/observer.hpp>

namespace troupe {
inline namespace v0 {

observer::~observer() = default;
void observer::actor_woke(const observed_actor&) {}
void observer::actor_slept(const observed_actor&, ending) {}
void observer::turn_ended(const observed_actor&, std::string_view, std::chrono::nanoseconds) {}
void observer::commit_ended(const commit&) {}
void observer::call_refused(const observed_actor&, std::string_view, const std::exception_ptr&) {}
void observer::message_died(const observed_actor&, std::string_view, std::uint64_t, const std::exception_ptr&) {}
void observer::connection_opened(const observed_actor&, std::size_t) {}
void observer::connection_closed(const observed_actor&, std::size_t) {}

}  // namespace v0
}  // namespace troupe
