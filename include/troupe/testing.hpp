// SPDX-License-Identifier: Apache-2.0
#pragma once

/// \file
/// What tests of an application use; link `troupe::testing`.

#include <troupe/testing/check_store.hpp>
#include <troupe/testing/linearizable.hpp>
#include <troupe/testing/matches_file.hpp>
#include <troupe/testing/seeds.hpp>
#include <troupe/testing/simulated_disk.hpp>
#include <troupe/testing/simulation.hpp>
