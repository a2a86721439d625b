// SPDX-License-Identifier: Apache-2.0
#include "oracle.hpp"

#include <utility>

#include <troupe/core/error.hpp>

#include "runtime/world.hpp"

namespace random_programs {
namespace {

using answer = effect::answer;

bool one_of(std::string_view code, std::initializer_list<std::string_view> list) {
  return std::ranges::find(list, code) != list.end();
}

/// Errors that say: nothing of it was done, and nothing will be.
bool says_refused(std::string_view code) {
  return one_of(code, {"actor.not_found", "actor.duplicate_key", "actor.overloaded", "actor.invalid_operation",
                       "actor.invalid_request", "actor.action_not_found", "actor.destroying", "actor.starting",
                       "actor.stopping", "actor.deadlock", "store.refuses_changes", "connection.closed",
                       "auth.forbidden", "queue.full", "queue.message_too_large", "queue.not_declared"});
}

/// Errors after which nobody knows.
bool says_open(std::string_view code) {
  return one_of(code, {"actor.action_timed_out", "actor.aborted", "actor.callback_timed_out", "store.unavailable",
                       "store.failed", "store.full", "runtime.stopped", "queue.timed_out", "queue.dead_letter",
                       "connection.lagging", "user.hook", "encoding.invalid"});
}

}  // namespace

std::string name_of(std::uint32_t actor) { return fmt::format("a{}", actor); }

oracle::oracle(const program& p, std::set<std::string> allowed)
    : program_{p},
      allowed_{std::move(allowed)},
      hooks_done_(p.hooks.size()),
      doomed_(p.actors.size()),
      last_end_(p.actors.size(), nanoseconds{-1}),
      losses_(p.actors.size()),
      last_loss_(p.actors.size(), nanoseconds::min() / 2),
      slept_(p.actors.size()),
      unstorable_(p.actors.size()),
      present_(p.actors.size()),
      makes_connections_{has_verb(p, "follow")} {}

// --- promises -------------------------------------------------------------------------------------------------------

void oracle::break_promise(std::string_view rule, std::string how) {
  if (broken_ || allowed_.contains(std::string{rule})) return;
  broken_.emplace(std::string{rule}, how);
}

void oracle::expect(std::string_view rule, bool kept, const std::string& otherwise) {
  const std::lock_guard lock{mutex_};
  if (!kept && !means_nothing()) break_promise(rule, otherwise);
}

void oracle::judge() const {
  const std::lock_guard lock{mutex_};
  if (broken_) throw broken_promise{*broken_};
}

std::string oracle::describe(effect_id id) const {
  const std::lock_guard lock{mutex_};
  constexpr const char* ways[] = {"call", "post", "message", "event", "hook", "task"};
  const effect& e = at(id);
  return fmt::format("{} {} to {} from {} (asked at {} us, begun {} times{}, {})", ways[static_cast<int>(e.how)], id,
                     name_of(e.to), e.parent != 0 ? fmt::format("effect {}", e.parent) : "a host",
                     e.issued / std::chrono::microseconds{1}, e.begun, e.ended ? ", ended" : "",
                     e.answered == answer::none ? "no answer" : e.code.empty() ? "answered" : e.code);
}

// --- the process ----------------------------------------------------------------------------------------------------

void oracle::process_started(std::uint32_t number) {
  const std::lock_guard lock{mutex_};
  process_ = number;
  // A sender in memory has heard that an actor in memory is gone, and a crash takes that back: the message is stored.
  for (effect& e : effects_) {
    const bool was_heard = e.how == way::message && e.in_actor && e.waits && e.code == "actor.destroying";
    if (was_heard && !ending_ && e.answered == answer::refused) e.answered = answer::open;
  }
  dying_ = ending_ = false;
  ended_before_ = ended_ids_;
  going_ = 0;
  for (effect& e : effects_) {
    e.active = false;
    e.begun_here = 0;
  }
  for (auto& each : doomed_) each.clear();
  std::fill(slept_.begin(), slept_.end(), false);
  last_heard_.clear();
}

void oracle::runtime_stops() {
  const std::lock_guard lock{mutex_};
  if (means_nothing()) return;
  break_promise("runtime_stops", "a state cannot be stored, and the whole runtime stops");
  stopped_ = true;
}

// As if the actor alone had crashed.
void oracle::loses(std::uint32_t actor) {
  const std::lock_guard lock{mutex_};
  if (means_nothing()) return;
  if (tell) tell(fmt::format("{} has lost changes", name_of(actor)));
  ++losses_[actor];
  last_loss_[actor] = clock();
  spared_.insert(doomed_[actor]);
  doomed_[actor].clear();
  slept_[actor] = true;  // what waits for it may wait for its next life
  for (effect& e : effects_) {
    const bool was_heard = e.how == way::message && e.in_actor && e.waits && e.code == "actor.destroying";
    if (was_heard && e.to == actor && e.answered == answer::refused) e.answered = answer::open;
  }
  std::erase_if(promises_, [&](const promise& p) { return p.actor == actor && !p.firm; });
}

script oracle::next_hook(std::uint32_t actor, std::string_view hook) {
  const std::lock_guard lock{mutex_};
  if (closing_ || ending_) return {};
  for (std::size_t i = 0; i < program_.hooks.size(); ++i) {
    const hook_script& h = program_.hooks[i];
    if (h.actor != actor || h.hook != hook || hooks_done_[i] != 0) continue;
    ++hooks_done_[i];
    return h.body;
  }
  return {};
}

// --- what happens ---------------------------------------------------------------------------------------------------

effect_id oracle::ask(effect e) {
  const std::lock_guard lock{mutex_};
  e.issued = clock();
  e.process = process_;
  effects_.push_back(std::move(e));
  tell_of("asked for", effects_.size());
  return effects_.size();
}

bool oracle::descends(effect_id e, effect_id from) const {
  while (e != 0 && e != from) e = at(e).parent;
  return e == from;
}

// The same, where hooks descend from all that waits for them by now, and a consumer from the senders that wait for any of
// the messages that it holds.
bool oracle::may_descend(effect_id e, effect_id from) const {
  for (; e != 0; e = at(e).parent) {
    if (e == from || is_awaited_by(at(e), from)) return true;
  }
  return false;
}

bool oracle::is_awaited_by(const effect& awaited, effect_id from) const {
  const bool is_hook = awaited.how == way::hook;
  if (!is_hook && awaited.how != way::message) return false;
  for (effect_id id = from + 1; id <= effects_.size(); ++id) {
    const effect& e = at(id);
    const bool waits = (e.how == way::call && is_hook) || (e.how == way::message && e.waits);
    const bool has_begun = is_hook && e.begun != 0;
    const bool still = e.to == awaited.to && e.process == process_ && e.answered == answer::none && !has_begun;
    if (waits && still && descends(id, from)) return true;
  }
  return false;
}

// Whether what has led to it is known.
bool oracle::is_sure(effect_id e) const {
  while (e != 0 && !at(e).unsure) e = at(e).parent;
  return e == 0;
}

// Whether an exclusive action has led to another one of the same actor, which has not ended before that moment.
bool oracle::had_nested(effect_id e, nanoseconds since) const {
  for (effect_id inner = e + 1; inner <= effects_.size(); ++inner) {
    const effect& i = at(inner);
    const bool is_nested = i.exclusive && i.begun != 0 && i.ran_in == at(e).ran_in && descends(inner, e);
    if (is_nested && (i.active || i.ended_at >= since)) return true;
  }
  return false;
}

// Nobody but its descendants is in an actor that an exclusive action holds.
void oracle::check_exclusion(effect_id id) {
  const effect& e = at(id);
  if (e.how == way::hook || e.how == way::event || !is_sure(id)) return;
  for (effect_id other = 1; other <= effects_.size(); ++other) {
    const effect& o = at(other);
    if (!o.exclusive || !o.active || other == id || o.to != e.to || o.ran_in != e.ran_in) continue;
    if (!may_descend(id, other) && !may_descend(other, id) && is_sure(other)) {
      break_promise(had_nested(other, nanoseconds{0}) ? "exclusive_nested" : "exclusive",
                    fmt::format("{} runs while {} holds the actor", describe(id), describe(other)));
    }
  }
}

void oracle::begins(effect_id id, const std::string& in, bool awake) {
  const std::lock_guard lock{mutex_};
  if (means_nothing()) return;
  effect& e = at(id);
  ++e.begun;
  ++e.begun_here;
  e.ended = false;
  e.active = true;
  e.ran_in = in;
  e.ran_process = process_;
  tell_of("begins", id);
  const auto now = clock();
  if (e.how == way::hook || e.how == way::background) return check_exclusion(id);
  if (e.must_be_refused) break_promise("get_refused", describe(id) + " runs, where get() must be refused");
  if (e.given_up_before) {
    break_promise("stop_token_before", describe(id) + " runs though its stop token was triggered before");
  }
  if (!awake) break_promise("before_wake", describe(id) + " runs before on_wake has ended");
  if (e.from_host && e.how != way::message && doomed_[e.to] == in) {
    break_promise("dying_actor", describe(id) + " begins in an actor that is being destroyed");
  }
  if (e.line != 0) {
    const auto& other_end = line_to_.try_emplace(e.line, in).first->second;
    if (other_end != in) break_promise("successor", describe(id) + " goes to another actor than its connection");
  }
  if (e.how != way::message) {
    if (e.begun > 1) break_promise("runs_twice", describe(id) + " runs again");
    if (exact && e.answered != answer::none) break_promise("given_up", describe(id) + " begins after its answer");
  } else {
    if (e.answered == answer::refused) break_promise("refused", describe(id) + " is handled though it was refused");
    if (!wall_clock_jumps && now + std::chrono::milliseconds{2} < e.issued + e.not_before) {
      break_promise("too_early", describe(id) + " is handled before its delay is over");
    }
  }
  check_exclusion(id);
}

void oracle::spins(effect_id id) {
  const std::lock_guard lock{mutex_};
  if (means_nothing()) return;
  if (!unstorable_[at(id).to]) break_promise("spins", describe(id) + " comes again and again");
  at(id).one_turn = false;
}

void oracle::attempted(effect_id id, std::uint32_t times, std::uint32_t most, bool deaths_count) {
  const std::lock_guard lock{mutex_};
  if (means_nothing() || unstorable_[at(id).to]) return;
  if (!deaths_count) most += process_ - at(id).process;
  most += losses_[at(id).to];
  if (times <= most) return;
  break_promise("attempts", fmt::format("{} is attempted for the {}th time", describe(id), times));
}

void oracle::goes_on(effect_id id) {
  const std::lock_guard lock{mutex_};
  if (!means_nothing() && at(id).ran_process == process_) check_exclusion(id);
}

void oracle::ends(effect_id id) {
  const std::lock_guard lock{mutex_};
  if (means_nothing()) return;
  effect& e = at(id);
  e.active = false;
  e.ended = true;
  e.ended_at = clock();
  tell_of("ends", id);
}

void oracle::stops(effect_id id) {
  const std::lock_guard lock{mutex_};
  if (means_nothing()) return;
  at(id).active = false;
  at(id).ended_at = clock();
}

void oracle::destroy_asked(std::uint32_t actor, const std::string& id) {
  const std::lock_guard lock{mutex_};
  if (means_nothing()) return;
  ended_ids_.insert(id);
  last_end_[actor] = clock();
  if (clock() <= last_loss_[actor] + slack) {  // the life that asks is lost
    spared_.insert(id);
  } else {
    doomed_[actor] = id;
  }
}

void oracle::lets_in(std::uint32_t actor, const std::string& id) {
  const std::lock_guard lock{mutex_};
  if (means_nothing() || doomed_[actor] != id) return;
  break_promise("dying_queue",
                fmt::format("{} takes a message from outside while it is being destroyed", name_of(actor)));
}

void oracle::sleep_asked(std::uint32_t actor) {
  const std::lock_guard lock{mutex_};
  slept_[actor] = true;
}

void oracle::store_failed_turn(std::uint32_t actor) {
  const std::lock_guard lock{mutex_};
  // A committed actor is undone, and notices nothing; the others keep what cannot be stored.
  if (program_.actors[actor] == kind::relaxed || program_.actors[actor] == kind::ephemeral) unstorable_[actor] = true;
}

bool oracle::may_kill(effect_id id) {
  const std::lock_guard lock{mutex_};
  if (means_nothing() || closing_) return false;
  constexpr std::uint32_t most = 6;  // three attempts, and crashes that were not its own
  if (program_.actors[at(id).to] == kind::ephemeral) return ++kills_[id].times <= most;  // it counts in memory
  auto& [times, last] = kills_[id];
  if (std::exchange(last, at(id).begun) != at(id).begun) ++times;
  if (times > most) break_promise("kills_for_ever", describe(id) + " kills the process again and again");
  return times <= most + 1;
}

void oracle::taken(effect_id id, const std::string& in) {
  const std::lock_guard lock{mutex_};
  if (means_nothing()) return;
  effect& e = at(id);
  if (e.answered == answer::refused) break_promise("refused", describe(id) + " is there though it was refused");
  ++e.begun;
  e.ended = true;
  e.ran_in = in;
}

void oracle::find_cause(effect& hook, std::string_view name) const {
  const std::lock_guard lock{mutex_};
  // Connections are no effects, and the hooks of a waking actor may be due to one.
  hook.unsure = makes_connections_ || !one_of(name, {"on_create", "on_wake", "on_sleep", "on_destroy"});
  for (effect_id id = 1; id <= effects_.size(); ++id) {
    const effect& e = at(id);
    if (e.to != hook.to || e.process != process_ || e.answered != answer::none || e.begun != 0) continue;
    if (e.how != way::call && !(e.how == way::message && e.waits)) continue;
    if (hook.parent != 0) {
      hook.parent = 0;
      hook.unsure = true;
      return;
    }
    hook.parent = id;
  }
}

void oracle::listens(std::uint64_t listener) {
  const std::lock_guard lock{mutex_};
  last_heard_[listener].begun = clock();
}

void oracle::heard(std::uint64_t listener, std::uint32_t actor, const std::string& id, std::uint64_t number,
                   effect_id e, bool outside) {
  const std::lock_guard lock{mutex_};
  if (means_nothing()) return;
  auto& [last, begun, early] = last_heard_[listener];
  if (last != 0 && !unstorable_[actor]) {
    const auto which = fmt::format("event {} of {} after {}", number, name_of(actor), last);
    if (number <= last) break_promise("event_order", which);
    // What was sent while the connection opened is heard first, and then what comes after the permission to subscribe.
    const bool may_miss = early && program_.actors[actor] != kind::bare;
    if (number > last + 1 && !may_miss) break_promise("event_gap", which);
  }
  const bool follows = last == 0 || number == last + 1;
  early = follows && at(e).issued <= begun;
  last = number;
  if (tell) tell(fmt::format("listener {} hears event {} of {}: {}", listener, number, name_of(actor), describe(e)));
  if (outside) promise_entry({e, actor, id, {e, part::told}, false});
}

// --- answers --------------------------------------------------------------------------------------------------------

void oracle::promise_entry(promise p) {
  const auto k = program_.actors[p.actor];
  if (k == kind::ephemeral || unstorable_[p.actor] || at(p.of).deep || only_looks) return;
  p.firm = p.firm || k != kind::relaxed;
  if (!p.firm && at(p.of).issued <= last_loss_[p.actor] + slack) return;  // the life that it ran in is lost
  promises_.push_back(std::move(p));
}

void oracle::saved(effect_id e, const std::string& in) {
  const std::lock_guard lock{mutex_};
  if (!means_nothing()) promise_entry({e, at(e).to, in, {e, part::begun}, true});
}

void oracle::answered(effect_id id, const std::exception_ptr& failure) {
  const std::lock_guard lock{mutex_};
  effect& e = at(id);
  const bool other_process = means_nothing() || e.process != process_;
  e.code = behaviour::code_of(failure);
  tell_of("answered", id);
  if (other_process) {
    e.answered = answer::open;
    return;
  }
  const bool by_script = e.code == "user.thrown" || e.code == "user.state_change" || e.code == "user.reply";
  e.answered = !failure || by_script ? answer::done : says_refused(e.code) ? answer::refused : answer::open;
  // A message of a sender that cannot get its answer may be on its way.
  if (e.code == "actor.deadlock" && e.how == way::message) e.answered = answer::open;
  // What an action throws goes before the error of a turn that could not be stored, and was undone.
  const bool of_turn = e.code == "user.state_change" && !e.ended;  // of one before the last
  if (e.code == "user.cut" || of_turn || (by_script && e.deep)) e.answered = answer::open;
  check_answer(id);
}

void oracle::check_answer(effect_id id) {
  effect& e = at(id);
  const auto took = clock() - e.issued;
  if (e.from_host && e.limit != nanoseconds::max() && took > e.limit + slack && !ending_) {
    break_promise(e.limit == nanoseconds{0} ? "time_out_zero" : "time_out",
                  fmt::format("{} took {} us", describe(id), took / std::chrono::microseconds{1}));
  }
  if (e.must_be_refused && e.code != "actor.invalid_operation" && e.code != "runtime.stopped" &&
      e.code != "connection.closed") {
    break_promise("get_refused", describe(id) + ": get() was to be refused");
  }
  if (e.given_up_before && e.how != way::message && e.answered == answer::done) {
    break_promise("stop_token_before", describe(id) + " though its stop token was triggered before");
  }
  if (e.code == "store.refuses_changes") {
    break_promise("runtime_stops", describe(id) + ": the store does not fail, and the runtime refuses changes");
    stopped_ = true;
  }
  const bool is_own = one_of(e.code, {"user.cut", "user.thrown", "user.state_change", "user.reply"});
  if (e.answered == answer::open && !is_own && !says_open(e.code) && e.code != "actor.deadlock") {
    break_promise("unknown_error", describe(id));
  }
  if (one_of(e.code, {"actor.action_timed_out", "queue.timed_out", "actor.deadlock"}) && e.begun == 0) check_chain(id);
  if (e.how == way::message) {
    if (e.waits && e.answered == answer::done && e.from_host) {
      if (e.begun == 0) break_promise("answered", describe(id) + ", and it has not been handled");
      if (e.begun != 0) promise_entry({id, e.to, e.ran_in, {id, part::ended}, false});
    }
    return;
  }
  if (e.answered == answer::refused && e.begun != 0) break_promise("refused", describe(id) + ", and it has run");
  if (e.answered == answer::done) {
    const bool has_run = e.begun == 1 && (e.ended || !exact);
    if (!has_run) break_promise("answered", describe(id) + ", and it has not run to its end");
    const bool durable = e.from_host && !e.ran_in.empty() && program_.actors[e.to] != kind::ephemeral;
    if (durable) {
      promise_entry({id, e.to, e.ran_in, {id, part::begun}, false});
      promise_entry({id, e.to, e.ran_in, {id, part::ended}, false});
    }
  }
  const bool gave_up = e.code == "actor.aborted" || e.code == "actor.action_timed_out";
  // A caller that gives up as the action ends may have decided first.
  const bool had_ended = e.ended && e.ended_at + std::chrono::milliseconds{1} < e.issued + e.limit;
  if (exact && gave_up && had_ended && e.from_host && !ending_) {
    break_promise("open_at_gate", describe(id) + ": the action has ended, so the outcome is open");
  }
}

// An exclusive action waits for a call, and that for one that it has led to and that is kept out by the exclusive
// action: a wake, for example, whose hook calls back.
void oracle::check_chain(effect_id id) {
  const effect& e = at(id);
  const bool too_short = e.code != "actor.deadlock" && e.limit < slack + std::chrono::milliseconds{20};
  if (may_be_late || ending_ || too_short) return;
  for (effect_id inner = id; inner <= effects_.size(); ++inner) {
    const effect& i = at(inner);
    const bool waits = i.how == way::call && i.begun == 0 && (inner == id || i.answered == answer::none);
    if (!waits || i.process != process_ || !descends(inner, id) || slept_[i.to] || !doomed_[i.to].empty()) continue;
    effect_id holder = 0;
    std::size_t holders = 0;
    for (effect_id other = 1; other <= effects_.size(); ++other) {
      const effect& o = at(other);
      if (!o.exclusive || !o.active || o.to != i.to || o.process != process_) continue;
      ++holders;
      holder = other;
    }
    // One that is nested in it may keep the call out, and may have ended just now.
    if (holders != 1 || had_nested(holder, clock() - slack)) continue;
    if (!descends(id, holder) || !is_waited_for(id, holder)) continue;
    if (inner != id && !is_waited_for(inner, id)) continue;
    break_promise(inner == id ? "chain" : "chain_wake",
                  fmt::format("{} is kept out by {}, which has led to it", describe(inner), describe(holder)));
  }
}

// Whether all between the two wait for what comes after them.
bool oracle::is_waited_for(effect_id e, effect_id by) const {
  for (effect_id up = at(e).parent; up != by; up = at(up).parent) {
    const effect& o = at(up);
    const bool waits = o.how == way::hook || (o.how == way::call && o.answered == answer::none);
    if (!waits || slept_[o.to] || !doomed_[o.to].empty()) return false;
  }
  return true;
}

std::uint64_t oracle::count(answer a) const {
  const std::lock_guard lock{mutex_};
  return static_cast<std::uint64_t>(std::ranges::count(effects_, a, &effect::answered));
}

}  // namespace random_programs
