// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <troupe/client/client.hpp>
#include <troupe/runtime/runtime.hpp>

/// The client of a runtime, as its tests use it: the local one; or, if TROUPE_TEST_TRANSPORT is "loopback", one whose
/// calls go to the runtime as frames of bytes.
[[nodiscard]] troupe::client client_of(const troupe::runtime& r);
