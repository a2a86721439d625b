#include "memory_actor.hpp"

#include <algorithm>

namespace troupe {
inline namespace v0 {
namespace detail {

bool carries(const memory_actor& actor, const tags* labels) {
  return labels == nullptr || std::ranges::all_of(*labels, [&](const auto& label) {
           const auto found = actor.labels.find(label.first);
           return found != actor.labels.end() && found->second == label.second;
         });
}

actor_record to_head(const actor_id& id, const memory_actor& actor) {
  actor_record head;
  head.id = id;
  head.name = actor.name;
  head.key = actor.key;
  head.initialised = actor.initialised;
  head.version = actor.version;
  head.labels = actor.labels;
  head.created_at = actor.created_at;
  return head;
}

memory_actor to_memory_actor(const write_set& write) {
  const write_set::creation& created = *write.created;
  memory_actor actor;
  actor.initialised = write.initialised;
  actor.version = write.version;
  actor.state.assign(write.state.begin(), write.state.end());
  if (created.input && !write.initialised) actor.input.emplace(created.input->begin(), created.input->end());
  actor.name = created.name;
  actor.key = created.key;
  if (created.labels != nullptr) actor.labels = *created.labels;
  actor.created_at = created.created_at;
  return actor;
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
