// The life of the part of a cell that only some actors need.

#include "side.hpp"

#include "core.hpp"
#include "queues.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {

cell_side::cell_side(cell& c) : owner{c}, wants{c} {
  if (!c.type().queues.empty()) queues = std::make_unique<cell_queues>(c);
}

cell_side::~cell_side() = default;

void cell_side::begin_life(const actor_record* record) {
  registered = 0;
  destroyed = false;
  sleep_requested = destroy_requested = false;
  exists = stored_initialised = record != nullptr;
  stored.reset();
  newest = nullptr;
  newest_bytes = 0;
  stored_version = owner.type().version;
  if (record == nullptr) {
    initialised = false;
    return;
  }
  initialised = stored_initialised = record->initialised;
  stored_version = record->version;
  stored.assign(record->state);
  newest = &stored;
  newest_bytes = stored.size();
  if (record->input) input = std::make_unique<const bytes>(*record->input);
}

bool cell_side::end_life() noexcept {
  for (auto& m : images) m.reset();
  forget_save();
  rows.reset();
  if (unsaved_rows) send_again();
  unsaved_rows.reset();
  if (queues) queues->end_life(destroyed);
  stored.reset();
  seen.reset();
  newest = nullptr;
  creation.reset();
  input.reset();
  passing.reset();
  return !heard_by && !queues && !restart && wants.none();
}

// What had arrived, and has not with the state that is lost.
void cell_side::send_again() noexcept {
  auto& core = owner.core();
  for (const auto& p : unsaved_rows->arrived()) {
    auto* const inv = new enqueuing{core.exec(), p};
    inv->posted = true;
    core.parcels().put_off(*inv);
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
