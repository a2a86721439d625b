// The life of the part of a cell that only some actors need.

#include "side.hpp"

#include "core.hpp"
#include "lifecycle.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

cell_side::cell_side(cell& c)
    : owner{c},
      parts{c.type().parts.empty() ? nullptr : std::make_unique<part_list>(c, c.type())},
      wants{c},
      recorder{c, wants, parts.get()} {}

cell_side::~cell_side() = default;

void cell_wants::deliver(work& w) noexcept {
  auto& self = static_cast<cell_wants&>(w);
  cell& c = self.owner_;
  const auto wanted = self.wanted_.exchange(0, std::memory_order_acq_rel);
  if ((wanted & freeze) != 0) c.known_side()->recorder.freeze_asked();
  if ((wanted & end) != 0) lifecycle::end_requested(c);
  if ((wanted & overdue) != 0) lifecycle::overdue(c);
  if ((wanted & save) != 0) lifecycle::save(c);
}

void cell_side::begin_life(const actor_record* record) {
  sleep_requested = destroy_requested = false;
  recorder.begin_life(record);
}

bool cell_side::end_life(unload_reason why) noexcept {
  recorder.end_life();
  if (parts) parts->unload(why);
  passing.reset();
  since.reset();
  last_failure = nullptr;
  return !heard_by && !parts && !restart && wants.none();
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
