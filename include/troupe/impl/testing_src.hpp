// SPDX-License-Identifier: Apache-2.0
#pragma once

/// \file
/// The sources of the test kit, in the same way as `troupe/impl/src.hpp`: for exactly one source of the tests.

// Each of these is seen once, so that what has internal linkage there may be a part of what has not.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

#include "../../../src/testing/check_store.cpp"
#include "../../../src/testing/check_store_cuts.cpp"
#include "../../../src/testing/check_store_messages.cpp"
#include "../../../src/testing/check_store_parts.cpp"
#include "../../../src/testing/disk_handle.cpp"
#include "../../../src/testing/disk_vfs.cpp"
#include "../../../src/testing/linearizable.cpp"
#include "../../../src/testing/linearizable_search.cpp"
#include "../../../src/testing/matches_file.cpp"
#include "../../../src/testing/seeded_random.cpp"
#include "../../../src/testing/seeds.cpp"
#include "../../../src/testing/simulated_disk.cpp"
#include "../../../src/testing/simulated_executor.cpp"
#include "../../../src/testing/simulated_file.cpp"
#include "../../../src/testing/simulated_store.cpp"
#include "../../../src/testing/simulated_world.cpp"
#include "../../../src/testing/simulation.cpp"
#include "../../../src/testing/test_door.cpp"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
