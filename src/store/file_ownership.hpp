// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "database_file.hpp"
#include "ownership.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

/// The lock of a file that is none of a store's, such as a backup in the making; `<path>-lock`, which is removed with
/// it. Null if somebody has it.
[[nodiscard]] std::unique_ptr<file_ownership> try_own_file(const std::string& path);

/// `file` has been resolved. Throws `store.in_use`, with the owner's process id if that is known, and others.
[[nodiscard]] std::unique_ptr<file_ownership> own(const database_file& file);

}  // namespace detail
}  // namespace v0
}  // namespace troupe
