// SPDX-License-Identifier: Apache-2.0
#include <troupe/client/status_record.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include <troupe/codec/codec.hpp>
#include <troupe/core/error.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

bytes encode_status(const actor_status& status, time_point now) {
  status_record r;
  r.state = static_cast<std::uint8_t>(status.state);
  r.id = status.id;
  r.calls_waiting = status.calls_waiting;
  r.running = status.running;
  r.exclusive = status.exclusive;
  r.unsaved = status.unsaved;
  r.reason = status.reason;
  r.waits = status.waits;
  if (status.since) r.age = now - *status.since;
  return encode(r);
}

actor_status decode_status(bytes_view encoded, time_point now) {
  auto r = decode<status_record>(encoded);
  if (r.state > static_cast<std::uint8_t>(actor_status::phase::finalising)) {
    throw error(errc::invalid_data, fmt::format("{} is no phase of an actor", r.state));
  }
  actor_status status;
  status.state = static_cast<actor_status::phase>(r.state);
  status.id = r.id;
  status.calls_waiting = r.calls_waiting;
  status.running = std::move(r.running);
  status.exclusive = std::move(r.exclusive);
  status.unsaved = r.unsaved;
  status.reason = std::move(r.reason);
  status.waits = std::move(r.waits);
  if (r.age && *r.age < std::chrono::nanoseconds{0}) {
    throw error(errc::invalid_data, "a phase of an actor lasts for no less than no time");
  }
  if (r.age) status.since = now - std::min(*r.age, now.time_since_epoch());
  return status;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
