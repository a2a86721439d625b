// SPDX-License-Identifier: Apache-2.0
#include "generator.hpp"

#include <array>
#include <utility>

namespace random_programs {
namespace {

constexpr std::array<std::string_view, 10> features{
    "alone", "act", "name", "get", "id", "stop", "timeouts", "race", "deep_arguments", "get_in_handler",
};
constexpr std::array<std::string_view, 9> hooks{
    "on_create",  "on_wake",    "on_sleep",          "on_destroy",     "on_connect",
    "on_disconnect", "on_state_change", "on_before_reply", "can_publish",
};
constexpr int depth_max = 3;

void draw_faults(drawing& d, program& p) {
  if (d.chance(2)) return;  // a mistake that only a quiet run shows is one, too
  for (const std::string& name : fault_names()) {
    if (!d.chance(4)) continue;
    const bool rare = name == "crash" || name == "stall" || name.ends_with("jump");
    const bool is_commit = name.starts_with("crash_");
    const double often = rare ? 0.002 : is_commit ? 0.02 : 0.1;
    p.faults.push_back({name, d.chance(2) ? often : often / 8});
  }
}

// From numbers of their own, so that the program is the one of this seed.
void draw_losses(program& p) {
  troupe::testing::seeded_random random{p.seed ^ 0xC07};
  for (const char* const name : {"commit_unknown", "actor_taken"}) {
    if (random.below(2) == 0) p.faults.push_back({name, random.below(2) == 0 ? 0.05 : 0.005});
  }
}

void draw_driver(drawing& d, program& p) {
  const auto count = 2 + d.random.below(6);
  const bool crashes = d.chance(2);
  const bool restarts = d.chance(3);
  const bool sleeps = d.chance(2);
  for (std::uint64_t i = 0; i < count; ++i) {
    step s = named("advance");
    s.us = d.us(500'000);
    p.driver.push_back(s);
    const auto what = d.random.below(8);
    if (what == 0 && restarts) p.driver.push_back(named("restart"));
    if (what == 1 && crashes) p.driver.push_back(named("crash"));
    if (what == 2 && crashes) p.driver.push_back(named("crash_before_commit"));
    if (what == 3 && crashes) p.driver.push_back(named("crash_after_commit"));
    if (what >= 4 && what < 6 && sleeps) {
      step put = named("put_to_sleep");
      put.to = d.actor();
      p.driver.push_back(put);
    }
  }
}

// An exclusive action calls an actor whose hook calls back: chance alone seldom makes such a cycle.
void draw_cycle(drawing& d, program& p) {
  step back = named("call");
  back.to = d.actor();
  hook_script h;
  h.actor = d.actor();
  h.hook = d.chance(2) ? "on_create" : "on_wake";
  step out = named("call");
  out.to = h.actor;
  step first = named("call");
  first.to = back.to;
  first.how = "alone";
  h.body.push_back(std::move(back));
  first.body.push_back(std::move(out));
  p.hooks.push_back(std::move(h));
  script& steps = p.hosts[d.random.below(p.hosts.size())];
  steps.insert(steps.begin(), std::move(first));
}

}  // namespace

step drawing::asking(std::string_view verb) {
  step s = named(verb);
  s.to = actor();
  const auto add = [&s](std::string_view word) {
    if (!s.how.empty()) s.how += ' ';
    s.how += word;
  };
  unsigned where = in_action;
  if (may("alone") && chance(3)) {
    add("alone");
  } else if (may("act") && chance(2)) {
    add("act");
    where = in_plain;
  }
  if (may("name") && chance(4)) add("name");
  if (may("get") && chance(4)) add("get");
  if (may("id") && chance(6)) add("id");
  if (may("stop") && chance(4)) {
    const bool before = chance(2);
    add(before ? "stop_before" : "stop_later");
  }
  s.after = us(40'000);
  if (may("timeouts") && chance(3)) s.us = chance(6) ? 0 : us(100'000);
  if (verb != "send") s.body = body(where);
  return s;
}

script drawing::body(unsigned where) {
  script steps;
  if (depth_ >= depth_max) return steps;
  ++depth_;
  const auto count = random.below(depth_ == 1 ? 5 : 3);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!add_step(steps, where)) break;
  }
  --depth_;
  return steps;
}

bool drawing::add_step(script& to, unsigned where) {
  std::vector<const verb_entry*> fit;
  for (const verb_entry* v : enabled) {
    if ((v->places & where) != 0) fit.push_back(v);
  }
  if (fit.empty()) return false;
  to.push_back(fit[random.below(fit.size())]->make(*this));
  return true;
}

program generate(std::uint64_t seed, troupe::commit_cut cut) {
  program p;
  p.seed = seed;
  seeded_random random{seed ^ 0x7265706F7274ULL};
  drawing d{random};

  d.actors = 1 + random.below(5);
  const auto first_kind = random.below(kinds);
  const bool alike = d.chance(4);
  for (std::uint64_t i = 0; i < d.actors; ++i) {
    p.actors.push_back(static_cast<kind>(alike ? first_kind : random.below(kinds)));
  }
  for (const std::string_view each : features) {
    if (d.chance(2)) d.features.emplace(each);
  }
  for (const verb_entry& v : known_verbs()) {
    if (v.name == "call" || d.chance(2)) d.enabled.push_back(&v);
  }

  const auto hosts = 1 + random.below(5);
  for (std::uint64_t i = 0; i < hosts; ++i) {
    script steps;
    const auto count = 1 + random.below(10);
    for (std::uint64_t n = 0; n < count; ++n) static_cast<void>(d.add_step(steps, in_host));
    p.hosts.push_back(std::move(steps));
  }
  if (d.chance(2)) {
    const auto count = 1 + random.below(6);
    for (std::uint64_t i = 0; i < count; ++i) {
      hook_script h;
      h.actor = d.actor();
      h.hook = hooks[random.below(hooks.size())];
      static_cast<void>(d.add_step(h.body, in_hook));
      if (!h.body.empty()) p.hooks.push_back(std::move(h));
    }
  }
  draw_driver(d, p);
  draw_faults(d, p);
  if (d.chance(8)) draw_cycle(d, p);
  p.cut = cut;
  if (cut == troupe::commit_cut::per_actor) draw_losses(p);
  return p;
}

}  // namespace random_programs
