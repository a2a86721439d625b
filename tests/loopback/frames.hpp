// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include <troupe/codec/codec.hpp>
#include <troupe/codec/error_record.hpp>
#include <troupe/core/actor_id.hpp>
#include <troupe/core/bytes.hpp>
#include <troupe/core/key.hpp>
#include <troupe/core/tags.hpp>

/// \file
/// The frames between the two ends of a loopback, as CBOR.

namespace loopback {

/// From the callers' end to the actors' end.
struct to_actors {
  enum class kind : std::uint8_t {
    request,      ///< is answered exactly once, by `answer` or `failure`
    cancel,       ///< the caller of a request has given up
    subscribe,    ///< listener `number` of a connection listens to the event `name`; `granted` or `denied` follows
    unsubscribe,  ///< listener `number` does not listen any more
    close,        ///< a connection has ended at the callers' end
  };
  kind is = kind::request;
  std::uint64_t number = 0;      ///< of the request, or of the listener; unique on the link
  std::uint64_t connection = 0;  ///< the number of the request that opened it; 0: none

  // Of a request.
  std::uint8_t verb = 0;    ///< `request::verb`
  std::uint8_t intent = 0;  ///< `address::intent`
  std::string type;
  troupe::key key;
  troupe::actor_id id;
  std::optional<troupe::bytes> input;
  troupe::tags labels;
  std::string name;  ///< of the action or queue; of an event
  troupe::bytes body;
  std::chrono::nanoseconds delay{0};
  std::chrono::nanoseconds limit{0};  ///< how long the caller waits
  bool waits = false;
  bool posted = false;
};

/// The other way.
struct to_callers {
  enum class kind : std::uint8_t {
    answer,   ///< to a request: `value`, if there is one
    failure,  ///< the same: `error`
    granted,  ///< listener `number` may listen
    denied,   ///< the same: it may not, for `error`
    event,    ///< for listener `number`: `value` has what the event carries
    ended,    ///< connection `number`, by the actors' end; with `error` if `has_error`
  };
  kind is = kind::answer;
  std::uint64_t number = 0;
  bool has_value = false;
  bool has_error = false;
  troupe::bytes value;
  troupe::error_record error;
};

}  // namespace loopback
