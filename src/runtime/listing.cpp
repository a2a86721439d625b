// SPDX-License-Identifier: Apache-2.0
#include <utility>
#include <vector>

#include "commit_ledger.hpp"
#include "core.hpp"
#include "durable_wait.hpp"
#include "list_wait.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

task<std::vector<actor_summary>> runtime_core::list(const definition& type, std::optional<tags> labels, page p) {
  require_running();
  durable_wait all_so_far{*this, commits().newest()};
  co_await all_so_far;
  list_wait rows{*this};
  rows.name = type.name;
  rows.labels = labels ? &*labels : nullptr;
  rows.after = p.after;
  rows.limit = p.limit;
  co_await rows;
  std::vector<actor_summary> found;
  found.reserve(rows.found.size());
  for (auto& r : rows.found) {
    found.push_back(actor_summary{r.id, troupe::key::parse(r.key), std::move(r.labels), r.created_at});
  }
  co_return found;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
