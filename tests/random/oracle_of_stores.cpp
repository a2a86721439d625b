// SPDX-License-Identifier: Apache-2.0
// What the oracle knows of what is stored.

#include "oracle.hpp"

namespace random_programs {

using answer = effect::answer;

void oracle::compare(const std::vector<stored_actor>& stored, std::size_t on_their_way, moment when) {
  const std::lock_guard lock{mutex_};
  if (stopped_) return;
  compare_entries(stored, when);
  compare_messages(stored, on_their_way);
  compare_promises(stored, when);
  if (when == moment::after_crash) ended_ids_ = gone_;  // the others have not got that far
}

void oracle::compare_states(const std::vector<stored_actor>& stored, moment when) {
  const std::lock_guard lock{mutex_};
  if (stopped_) return;
  compare_entries(stored, when);
  compare_promises(stored, when);
}

// What is stored has happened, once.
void oracle::compare_entries(const std::vector<stored_actor>& stored, moment when) {
  for (std::uint32_t i = 0; i < stored.size(); ++i) {
    const auto& content = stored[i].content;
    const std::string id = content ? content->id : std::string{};
    auto& before = present_[i];
    if (before != id && !before.empty()) {
      if (!ended_ids_.contains(before)) {
        break_promise("vanished", fmt::format("{} {} is gone, and nobody has destroyed it", name_of(i), before));
      }
      gone_.insert(before);
    }
    before = id;
    if (gone_.contains(id)) break_promise("comes_back", fmt::format("{} {} is back", name_of(i), id));
    if (!content) continue;
    if (when == moment::after_end && ended_before_.contains(id) && !spared_.contains(id)) {
      break_promise("not_destroyed", fmt::format("{} {} was destroyed, and is there", name_of(i), id));
    }
    std::set<entry> seen;
    for (const entry& each : content->entries) {
      if (each.effect == 0 || each.effect > effects_.size()) {
        break_promise("from_nowhere", fmt::format("{} has noted an effect {}", name_of(i), each.effect));
        return;
      }
      const effect& e = at(each.effect);
      const bool may_repeat =
          e.how == way::message && (!e.one_turn || each.what == part::begun || unstorable_[i]);
      if (!seen.insert(each).second && !may_repeat) {
        break_promise("twice", fmt::format("{} has noted twice: {}", name_of(i), describe(each.effect)));
      }
      const bool happened = each.what == part::sent || each.what == part::told || e.begun != 0 || e.process != process_;
      if (!happened) break_promise("from_nowhere", describe(each.effect) + " is stored, and has not happened");
    }
  }
}

void oracle::compare_messages(const std::vector<stored_actor>& stored, std::size_t on_their_way) {
  std::size_t missing = 0;
  const auto has = [&](std::uint32_t actor, entry what) {
    const auto& content = stored[actor].content;
    return content && std::ranges::find(content->entries, what) != content->entries.end();
  };
  for (effect_id id = 1; id <= effects_.size(); ++id) {
    const effect& e = at(id);
    if (e.how != way::message) continue;
    const auto& there = stored[e.to];
    const bool handled = has(e.to, {id, part::ended});
    const bool waits = there.waiting.contains(id);
    const bool dead = there.dead.contains(id);
    const bool anywhere = handled || waits || dead;
    if (handled + waits + dead > 1 && e.one_turn && !unstorable_[e.to]) {
      break_promise("two_places",
                    fmt::format("{}: handled {}, waits {}, dead {}", describe(id), handled, waits, dead));
    }
    if (anywhere && e.given_up_before) {
      break_promise("stop_token_before", describe(id) + " was sent though its stop token was triggered before");
    }
    if (anywhere && e.answered == answer::refused) {
      break_promise("refused", describe(id) + " was refused, and is there");
    }
    const auto k = program_.actors[e.to];
    if (k != kind::committed || unstorable_[e.to]) continue;
    if (anywhere || e.given_up_before || last_end_[e.to] >= e.issued || kills_.contains(id)) continue;
    if (!e.in_actor) {
      if (e.answered == answer::done) break_promise("lost", describe(id) + " was acknowledged, and is lost");
      continue;
    }
    const auto from = program_.actors[e.from];
    if (from != kind::bare && from != kind::committed) continue;
    if (unstorable_[e.from] || !e.creates || (e.waits && e.answered == answer::open)) continue;
    const auto& sender = stored[e.from].content;
    if (!sender || sender->id != e.sender) continue;
    if (has(e.from, {id, part::sent})) ++missing;
  }
  if (missing > on_their_way) {
    for (effect_id id = 1; id <= effects_.size(); ++id) {
      const effect& e = at(id);
      if (e.how == way::message && e.in_actor && !e.given_up_before && has(e.from, {id, part::sent}) && !has(e.to, {id, part::ended}) &&
          !stored[e.to].waiting.contains(id)) {
        return break_promise("lost", fmt::format("{} messages are on their way, and {} are not there, such as {}",
                                                 on_their_way, missing, describe(id)));
      }
    }
  }
}

// What somebody was told is there, unless the actor has ended since.
void oracle::compare_promises(const std::vector<stored_actor>& stored, moment when) {
  std::erase_if(promises_, [&](promise& p) {
    if (unstorable_[p.actor]) return true;
    if (!p.firm) {  // of a relaxed actor: a crash may take it back
      if (when == moment::running) return false;
      if (when == moment::after_crash) return true;
      p.firm = true;
    }
    const auto& content = stored[p.actor].content;
    if (!content || content->id != p.id) {
      if (!ended_ids_.contains(p.id)) {
        break_promise("acknowledged", fmt::format("{} was answered, and {} {} is not there", describe(p.of),
                                                  name_of(p.actor), p.id));
      }
      return true;
    }
    if (std::ranges::find(content->entries, p.what) == content->entries.end()) {
      break_promise("acknowledged", fmt::format("{} was answered, and is not stored", describe(p.of)));
      return true;
    }
    return false;
  });
}

}  // namespace random_programs
