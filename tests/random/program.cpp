// SPDX-License-Identifier: Apache-2.0
#include "program.hpp"

#include <map>

#include <fmt/format.h>

namespace random_programs {
namespace {

using troupe::testing::fault;
using troupe::testing::faults;
using namespace std::chrono_literals;

const std::map<std::string, fault faults::*>& fields() {
  static const std::map<std::string, fault faults::*> all{
      {"crash", &faults::crash},
      {"crash_before_commit", &faults::crash_before_commit},
      {"crash_after_commit", &faults::crash_after_commit},
      {"commit_fails", &faults::commit_fails},
      {"commit_unknown", &faults::commit_unknown},
      {"actor_taken", &faults::actor_taken},
      {"slow_commit", &faults::slow_commit},
      {"load_fails", &faults::load_fails},
      {"slow_load", &faults::slow_load},
      {"delay", &faults::delay},
      {"stall", &faults::stall},
      {"clock_jump", &faults::clock_jump},
      {"wall_clock_jump", &faults::wall_clock_jump},
      {"busy", &faults::busy},
  };
  return all;
}

std::string quoted(std::string_view text) { return fmt::format("\"{}\"", text); }

void print(std::string& to, const script& steps, const std::string& margin) {
  to += "{";
  for (const step& s : steps) {
    to += fmt::format("\n{}  {{\"{}\", {}, {}, {}, {}, ", margin, s.verb, s.to, quoted(s.how), s.us, s.after);
    print(to, s.body, margin + "  ");
    to += "},";
  }
  to += steps.empty() ? "}" : fmt::format("\n{}}}", margin);
}

std::size_t size_of(const script& steps) noexcept {
  std::size_t size = steps.size();
  for (const step& s : steps) size += size_of(s.body);
  return size;
}

bool has_verb(const script& steps, std::string_view verb) noexcept {
  return std::ranges::any_of(steps, [&](const step& s) { return s.verb == verb || has_verb(s.body, verb); });
}

}  // namespace

const std::vector<std::string>& fault_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& [name, field] : fields()) {
      if (name != "commit_unknown" && name != "actor_taken") all.push_back(name);
    }
    return all;
  }();
  return names;
}

faults faults_of(const program& p) {
  faults f;
  f.busy = {};
  f.down_max = 300ms;
  f.commit_fails_for = 100ms;
  f.slow_commit_max = 300ms;
  f.slow_load_max = 50ms;
  f.delay_max = 10ms;
  f.stall_max = 2s;
  f.clock_jump_max = 1s;
  for (const fault_choice& each : p.faults) f.*fields().at(each.name) = {.probability = each.probability};
  return f;
}

bool has_verb(const program& p, std::string_view verb) noexcept {
  return std::ranges::any_of(p.hosts, [&](const script& s) { return has_verb(s, verb); }) ||
         std::ranges::any_of(p.hooks, [&](const hook_script& h) { return has_verb(h.body, verb); });
}

std::size_t size_of(const program& p) noexcept {
  std::size_t size = size_of(p.driver);
  for (const script& s : p.hosts) size += size_of(s);
  for (const hook_script& h : p.hooks) size += 1 + size_of(h.body);
  return size;
}

std::string as_test(const program& p) {
  constexpr const char* names[] = {"kind::bare", "kind::committed", "kind::relaxed", "kind::ephemeral"};
  const std::string margin = "      ";
  std::string to = fmt::format("TEST_CASE(\"program {0}\") {{\n  replay({{\n      .seed = {0},\n", p.seed);
  to += "      .actors = {";
  for (const kind k : p.actors) to += fmt::format("{}, ", names[static_cast<int>(k)]);
  to += "},\n      .hosts = {";
  for (const script& s : p.hosts) {
    to += "\n" + margin + "  ";
    print(to, s, margin + "  ");
    to += ",";
  }
  to += "},\n      .hooks = {";
  for (const hook_script& h : p.hooks) {
    to += fmt::format("\n{}  {{{}, \"{}\", ", margin, h.actor, h.hook);
    print(to, h.body, margin + "  ");
    to += "},";
  }
  to += "},\n      .driver = ";
  print(to, p.driver, margin);
  to += ",\n      .faults = {";
  for (const fault_choice& f : p.faults) to += fmt::format("{{\"{}\", {}}}, ", f.name, f.probability);
  to += "},\n";
  if (p.cut == troupe::commit_cut::per_actor) to += "      .cut = troupe::commit_cut::per_actor,\n";
  return to + "  });\n}\n";
}

}  // namespace random_programs
