// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "simulated_file.hpp"

namespace troupe {
inline namespace v0 {
namespace testing {
namespace detail {

class disk_handle;

/// SQLite's index of a log, which its handles share: memory, and locks that say who may do what with it.
struct shared_memory {
  static constexpr std::size_t locks_max = 8;
  static constexpr int exclusive = -1;

  std::vector<std::unique_ptr<std::byte[]>> regions;
  std::array<int, locks_max> locks{};  ///< how many share each; or `exclusive`
  std::size_t users = 0;
};

/// A file, whatever its name, and who has it open in the present process.
struct disk_node {
  simulated_file file;
  std::vector<disk_handle*> handles;
  std::shared_ptr<shared_memory> shared;
};

/// Names of files. A change is durable once the directory is synced; until then a power cut decides.
class disk_directory {
 public:
  using nodes = std::map<std::string, std::shared_ptr<disk_node>>;

  [[nodiscard]] const nodes& all() const noexcept { return now_; }

  /// Null if there is none.
  [[nodiscard]] std::shared_ptr<disk_node> find(const std::string& name) const {
    const auto found = now_.find(name);
    return found == now_.end() ? nullptr : found->second;
  }

  /// Null removes it.
  void set(const std::string& name, std::shared_ptr<disk_node> node) {
    unsynced_.emplace_back(name, node);
    put(now_, name, std::move(node));
  }

  void sync() {
    durable_ = now_;
    unsynced_.clear();
  }

  /// Each name is what it was, or what one of its changes made of it.
  void lose_unsynced(seeded_random& random) {
    for (auto& [name, node] : unsynced_) {
      if (random.below(2) == 0) put(durable_, name, std::move(node));
    }
    now_ = durable_;
    unsynced_.clear();
  }

 private:
  static void put(nodes& into, const std::string& name, std::shared_ptr<disk_node> node) {
    if (node == nullptr) {
      into.erase(name);
    } else {
      into.insert_or_assign(name, std::move(node));
    }
  }

  nodes now_;
  nodes durable_;
  std::vector<std::pair<std::string, std::shared_ptr<disk_node>>> unsynced_;
};

}  // namespace detail
}  // namespace testing
}  // namespace v0
}  // namespace troupe
