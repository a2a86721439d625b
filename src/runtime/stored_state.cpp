// SPDX-License-Identifier: Apache-2.0
#include "stored_state.hpp"

#include <coroutine>
#include <exception>
#include <string>

#include <fmt/format.h>

#include <troupe/actor/address.hpp>
#include <troupe/core/error.hpp>
#include <troupe/core/fiber.hpp>
#include <troupe/core/latch2.hpp>
#include <troupe/store/store.hpp>

#include "core.hpp"
#include "loader.hpp"
#include "migration.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

/// Asks the store for one actor; to be filled in and awaited. The store is not closed meanwhile.
class load_wait final : public wait, public load_request {
 public:
  explicit load_wait(runtime_core& core) noexcept : core_{core} {
    done = [](load_request& r) noexcept { static_cast<load_wait&>(r).answered(); };
    core_.enter_busy();
  }
  ~load_wait() { core_.leave_busy(); }
  load_wait(const load_wait&) = delete;
  load_wait& operator=(const load_wait&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> h) {
    static_cast<void>(begin(h, &core_.exec()));
    core_.loads().add(*this);
    return !both_.arrive();  // else it was answered on the spot
  }
  void await_resume() {
    end();
    if (failure) std::rethrow_exception(failure);
  }

 private:
  void interrupt() noexcept override {}
  [[nodiscard]] std::string describe() const override { return "an actor's state from the store"; }
  void answered() noexcept {
    if (both_.arrive()) wake();
  }

  runtime_core& core_;
  latch2 both_;  ///< the answer, and the suspension
};

}  // namespace

task<std::optional<bytes>> stored_state(runtime_core& core, const address& of) {
  const definition& type = *of.type;
  if (type.options.durability == durability::ephemeral) co_return std::nullopt;
  load_wait row{core};
  if (core.after_shutdown()) throw error(errc::runtime_stopped, core.interrupted(of.name()));
  const std::string key = of.key.canonical();
  if (of.how == address::intent::by_id) {
    row.id = of.id;
  } else {
    row.name = type.name;
    row.key = key;
  }
  co_await row;
  if (!row.found || row.found->name != type.name || !row.found->initialised) co_return std::nullopt;
  const actor_record& record = *row.found;
  if (record.version > type.version) {
    throw error(errc::newer_state, fmt::format("{} is of version {}, the program's is {}",
                                               name_of(type, troupe::key::parse(record.key)), record.version,
                                               type.version));
  }
  std::optional<bytes> state;
  migrated_state{type, record}.read([&](bytes_view present) { state.emplace(present.begin(), present.end()); });
  co_return state;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
