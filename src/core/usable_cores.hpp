// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>

namespace troupe {
inline namespace v0 {
namespace detail {

/// How many threads of this process can run at once: as many as the machine has cores, but no more than its affinity
/// mask and the CPU quota of its control group allow. At least 1.
[[nodiscard]] unsigned usable_cores() noexcept;

/// The CPU quota of this process's control group and of those around it, version 1 or 2, as a number of cores, rounded
/// up. Nothing if there is none, or none that can be read. The files are those below `root`.
[[nodiscard]] std::optional<unsigned> cores_of_quota(const std::filesystem::path& root) noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace troupe
