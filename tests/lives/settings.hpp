// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

namespace lives {

/// What the programs that kill themselves over and over are told.
struct settings {
  std::uint64_t rounds = 200;
  std::uint64_t seed = std::random_device{}();
  std::string fault;
  std::string directory = std::filesystem::temp_directory_path().string();
  bool verbose = false;
};

/// Both throw `std::invalid_argument`.
[[nodiscard]] settings settings_from(const std::vector<std::string>& words);
[[nodiscard]] std::uint64_t number_from(const std::string& text);

}  // namespace lives
