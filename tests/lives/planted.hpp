// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <troupe/store/store.hpp>

namespace lives {

/// Faults that a store could have, for the proof that the test would find them:
///
///   ack-before-commit   says that an epoch is durable, and only then makes it so
///   torn-epoch          makes the actors of an epoch durable one after the other
///   lost-write          forgets one write-set in a hundred
///
/// An empty name plants nothing. Throws `std::invalid_argument` for any other.
[[nodiscard]] troupe::store_factory plant(const std::string& name, troupe::store_factory good);

}  // namespace lives
