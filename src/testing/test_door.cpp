// SPDX-License-Identifier: Apache-2.0
#include <troupe/testing/test_door.hpp>

#include <chrono>
#include <cstddef>
#include <mutex>

#include <troupe/runtime/cell.hpp>

#include "../runtime/assembly.hpp"
#include "../runtime/cell_messages.hpp"
#include "../runtime/directory.hpp"
#include "../runtime/hook_limits.hpp"
#include "../runtime/stopping.hpp"
#include "../runtime/type_runtime.hpp"

namespace troupe {
inline namespace v0 {
namespace testing {

using troupe::detail::cell;

cell* test_door::any_cell(troupe::detail::directory& cells, std::uint64_t random) noexcept {
  const auto any_of = [](const troupe::detail::cell_table& table, std::uint64_t from) noexcept -> cell* {
    for (std::size_t n = 0; n != table.bucket_count_; ++n) {
      for (cell* const c : table.buckets_[(from + n) & (table.bucket_count_ - 1)].cells) {
        if (c != nullptr) return c;
      }
    }
    return nullptr;
  };
  const auto shards = cells.kinds_.size() * troupe::detail::shard_count;
  for (std::size_t n = 0; n != shards; ++n) {
    const auto at = (random + n) % shards;
    auto& s = cells.kinds_[at / troupe::detail::shard_count]->by_key[at % troupe::detail::shard_count];
    const std::lock_guard lock{s.mutex};
    if (cell* const c = any_of(s.cells, random / shards); c != nullptr) {
      c->retain();
      return c;
    }
  }
  return nullptr;
}

bool test_door::kill(troupe::detail::runtime_assembly& runtime, std::string_view how) noexcept {
  runtime.set_killed(how);
  runtime.stop();
  runtime.directory_.stop();
  runtime.alarms_.stop();
  runtime.outbox_.stop();
  runtime.ledger_->abandon(how);
  runtime.tasks_.cancel_all();
  for (cell* c : runtime.directory_.all()) {
    troupe::detail::send_command(*c, &troupe::detail::stop_now);
    troupe::detail::send_command(*c, &troupe::detail::cut_short);
    c->release();
  }
  constexpr std::chrono::seconds kill_limit{10};
  const bool ended = runtime.wait_for([&] { return runtime.is_quiet(); }, kill_limit);
  runtime.end();
  return ended;
}

}  // namespace testing
}  // namespace v0
}  // namespace troupe
