// SPDX-License-Identifier: Apache-2.0
// The library, in a program that builds none.
// [library]
#include <troupe/impl/src.hpp>
// [/library]
