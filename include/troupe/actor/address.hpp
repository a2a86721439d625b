// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <troupe/actor/definition.hpp>
#include <troupe/core/actor_id.hpp>
#include <troupe/core/bytes.hpp>
#include <troupe/core/fiber.hpp>
#include <troupe/core/key.hpp>
#include <troupe/core/tags.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

class transport;

/// For people: "chatRoom/general".
[[nodiscard]] std::string name_of(const definition& type, const troupe::key& key);

/// How a handle names an actor. Shared by the handle's copies and the calls under way.
struct address {
  enum class intent : std::uint8_t {
    get,            ///< of a key; it must exist
    get_or_create,  ///< of a key
    create,         ///< of a key; it must not exist
    by_id,          ///< of this id; it must exist
  };

  /// The input and the tags with which an actor is created.
  struct creation_args {
    std::optional<bytes> input;
    tags labels;
  };

  static void* operator new(std::size_t size) { return allocate_block(size); }
  static void operator delete(void* block, std::size_t size) noexcept { release_block(block, size); }

  void retain() const noexcept { references.fetch_add(1, std::memory_order_relaxed); }
  void release() const noexcept {
    if (references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  /// For people: "chatRoom/general", or the definition and the id.
  [[nodiscard]] std::string name() const;

  [[nodiscard]] bool creates() const noexcept { return how == intent::get_or_create || how == intent::create; }
  /// Whether the key, and what is meant by it, is all that there is to say.
  [[nodiscard]] bool is_key_only() const noexcept {
    return (how == intent::get || how == intent::get_or_create) && !given;
  }

  std::shared_ptr<detail::transport> transport;  ///< brings calls to the actor
  const definition* type = nullptr;
  intent how = intent::get;
  actor_id id;       ///< for by_id
  troupe::key key;   ///< else
  std::unique_ptr<const creation_args> given;  ///< null: nothing
  mutable std::atomic<std::uint32_t> references{1};
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
