#pragma once

/// \file
/// What tests of an application use; link `troupe::testing`.

#include <troupe/testing/check_store.hpp>
#include <troupe/testing/matches_file.hpp>
