// SPDX-License-Identifier: Apache-2.0
#include "asking.hpp"

#include <array>
#include <charconv>

#include "verbs.hpp"

namespace random_programs {

place* here = nullptr;

troupe::untyped_handle named_handle_of(const troupe::client& client, const step& s) {
  static constexpr std::array<std::string_view, kinds> names{"bare", "committed", "relaxed", "ephemeral"};
  const auto name = names[static_cast<std::size_t>(kind_of(s.to))];
  return s.is("get") ? client.open(name, key_of(s.to)) : client.open_or_create(name, key_of(s.to));
}

std::uint32_t actor_of(const troupe::key& k) {
  const std::string& name = k.canonical();
  std::uint32_t number = 0;
  std::from_chars(name.data() + 1, name.data() + name.size(), number);
  return number;
}

kind kind_of(std::uint32_t actor) { return here->rules.kind_of(actor); }

std::vector<nest> deep_nest() {
  std::vector<nest> all;
  for (int i = 0; i < deep_levels; ++i) {
    nest outer;
    outer.in = std::move(all);
    all.clear();
    all.push_back(std::move(outer));
  }
  return all;
}

bool handled_in_one_turn(const script& body) {
  for (const step& s : body) {
    if (s.verb == verb_send::name && !s.is("wait")) continue;
    bool is_plain = false;
    all_verbs::find(s.verb, [&](auto verb) { is_plain = plain_verb<typename decltype(verb)::type, committed_actor>; });
    if (!is_plain) return false;
  }
  return true;
}

effect effect_of(const asker& by, const step& s, way how) {
  using std::chrono::microseconds;
  effect e;
  e.how = how;
  e.from_host = by.is_host();
  e.to = s.to;
  e.parent = by.parent;
  e.exclusive = s.is("alone") && how != way::message;
  e.creates = !s.is("get");
  e.given_up_before = s.is("stop_before") || (s.us == 0 && how != way::post);
  if (how != way::post) e.limit = s.us >= 0 ? microseconds{s.us} : action_timeout;
  e.line = by.line;
  if (s.is("stop_later")) e.limit = std::min<nanoseconds>(e.limit, microseconds{s.after});
  if (s.is("race")) e.limit = std::min<nanoseconds>(e.limit, microseconds{s.after});
  if (how != way::message) return e;
  e.not_before = s.is("name") ? nanoseconds{0} : microseconds{s.after};
  e.one_turn = !s.is("errand") && handled_in_one_turn(s.body);
  e.waits = s.is("wait") && !s.is("name");
  e.in_actor = !by.is_host();
  e.from = by.actor;
  e.sender = by.id;
  return e;
}

troupe::task<> trigger_later(std::stop_source source, nanoseconds when) {
  co_await troupe::delay(when);
  source.request_stop();
}

troupe::registry registry() {
  troupe::registry all;
  all.use<bare_actor>("bare").use<committed_actor>("committed").use<relaxed_actor>("relaxed");
  all.use<ephemeral_actor>("ephemeral");
  return all;
}

const std::vector<verb_entry>& known_verbs() {
  static const std::vector<verb_entry> all = all_verbs::entries();
  return all;
}

}  // namespace random_programs
