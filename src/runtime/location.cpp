// SPDX-License-Identifier: Apache-2.0
// Finds actors that are known by their id only.

#include <exception>
#include <memory>

#include <fmt/format.h>

#include <troupe/actor/invocation.hpp>
#include <troupe/core/error.hpp>
#include <troupe/runtime/cell.hpp>
#include <troupe/store/store.hpp>

#include "core.hpp"
#include "directory.hpp"
#include "loader.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

// Finds the cell of an actor that is known by its id only.
struct location final : load_request {
  location(runtime_core& c, invocation& i) noexcept : core{c}, inv{i} {
    id = i.origin->id;
    done = [](load_request& r) noexcept {
      const std::unique_ptr<location> self{&static_cast<location&>(r)};
      self->arrived();
    };
    core.enter_busy();
  }
  ~location() { core.leave_busy(); }
  location(const location&) = delete;
  location& operator=(const location&) = delete;

  void arrived() noexcept {
    const definition& type = *inv.origin->type;
    if (failure) return core.refuse(inv, failure);
    if (!found || found->name != type.name) {
      return core.refuse(inv, std::make_exception_ptr(
                                  error(errc::not_found, fmt::format("{} {}", type.name, inv.origin->id.str()))));
    }
    try {
      cell& c = core.cells().at(type, troupe::key::parse(found->key));
      inv.target = &c;
      try {
        if (!inv.must_arrive) {
          c.count_in();
          inv.counted = true;
        }
        c.push(inv);
      } catch (...) {
        core.refuse(inv, std::current_exception());
      }
      c.release();
    } catch (...) {
      core.refuse(inv, std::current_exception());
    }
  }

  runtime_core& core;
  invocation& inv;
};

}  // namespace

void runtime_core::locate(invocation& inv) noexcept {
  if (inv.origin->type->options.durability == durability::ephemeral) {
    return refuse(inv, std::make_exception_ptr(error(errc::not_found, inv.origin->name())));
  }
  auto& request = *new location{*this, inv};
  if (after_shutdown()) [[unlikely]] {
    request.failure = std::make_exception_ptr(error(errc::runtime_stopped, interrupted(inv.origin->name())));
    return request.done(request);
  }
  loads().add(request);
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
