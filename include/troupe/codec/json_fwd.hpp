// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace troupe {
inline namespace v0 {

/// A value that may be anything JSON can say. Declared only: include `troupe/json.hpp` to use it.
using json = nlohmann::json;

}  // namespace v0
}  // namespace troupe
