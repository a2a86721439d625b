// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <troupe/store/store.hpp>

namespace bank_test {

/// Faults that a store could have, for the proof that the test would find them. Each happens to few write-sets:
///
///   message-lost       the messages that it puts into queues are not there
///   message-again      the messages that it has acknowledged are still there
///   handled-not-done   they are acknowledged, but what their handling has changed is not
///   send-lost          what it sends is not on its way
///   arrival-again      what it has received is still on its way
///
/// and those of tests/lives/planted.hpp. An empty name plants nothing. Throws `std::invalid_argument` for any other.
[[nodiscard]] troupe::store_factory plant(const std::string& name, troupe::store_factory good);

}  // namespace bank_test
