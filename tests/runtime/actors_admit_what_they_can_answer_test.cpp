// SPDX-License-Identifier: Apache-2.0
// Which invocations an actor lets in, as a table: every combination of what the decision depends on.

#include <catch2/catch.hpp>

#include <array>
#include <functional>
#include <initializer_list>

#include "../../src/runtime/admission.hpp"

using troupe::detail::actor_facts;
using troupe::detail::admit;
using troupe::detail::invocation_facts;
using troupe::detail::verdict;
using phase = troupe::detail::lifecycle::phase;
using purpose = troupe::detail::invocation::purpose;

namespace {

constexpr std::array phases{phase::asleep, phase::waking, phase::awake, phase::stopping, phase::finalising};
constexpr std::array purposes{purpose::action,     purpose::lookup,    purpose::background,
                              purpose::connection, purpose::lifecycle, purpose::enqueue};

void for_all(const std::function<void(const actor_facts&, const invocation_facts&)>& look) {
  constexpr std::array in_actor{&actor_facts::runtime_stops, &actor_facts::ends_for_good, &actor_facts::falls_asleep,
                                &actor_facts::is_ephemeral,  &actor_facts::is_quiet,      &actor_facts::is_interrupted};
  constexpr std::array in_invocation{
      &invocation_facts::started,          &invocation_facts::given_up,    &invocation_facts::must_arrive,
      &invocation_facts::posted,           &invocation_facts::from_actor,  &invocation_facts::of_earlier_life,
      &invocation_facts::of_earlier_actor, &invocation_facts::is_kept_out, &invocation_facts::descends_from_stop};
  constexpr unsigned count = 1U << (in_actor.size() + in_invocation.size());
  for (const phase p : phases) {
    for (const purpose kind : purposes) {
      for (unsigned bits = 0; bits != count; ++bits) {
        actor_facts a;
        a.phase = p;
        invocation_facts i;
        i.kind = kind;
        unsigned at = 0;
        for (const auto member : in_actor) a.*member = (bits >> at++ & 1) != 0;
        for (const auto member : in_invocation) i.*member = (bits >> at++ & 1) != 0;
        look(a, i);
      }
    }
  }
}

/// No combination that the condition is true for has a verdict outside of these.
void require_of(const std::function<bool(const actor_facts&, const invocation_facts&)>& condition,
                std::initializer_list<verdict> verdicts) {
  std::size_t concerned = 0;
  std::size_t others = 0;
  for_all([&](const actor_facts& a, const invocation_facts& i) {
    if (!condition(a, i)) return;
    ++concerned;
    const verdict found = admit(a, i);
    bool is_one = false;
    for (const verdict each : verdicts) is_one = is_one || each == found;
    others += is_one ? 0 : 1;
  });
  CHECK(concerned != 0);
  CHECK(others == 0);
}

bool is_new(const invocation_facts& i) { return !i.started && i.kind != purpose::lifecycle; }

}  // namespace

TEST_CASE("what has started goes on, unless another invocation holds the actor") {
  require_of([](auto&, auto& i) { return i.started && !i.is_kept_out; }, {verdict::run});
  require_of([](auto&, auto& i) { return i.started && i.is_kept_out; }, {verdict::wait_for_holder});
}

TEST_CASE("a wake or an end of the actor always runs") {
  require_of([](auto&, auto& i) { return i.kind == purpose::lifecycle && !i.started; }, {verdict::run});
}

TEST_CASE("what is kept out never runs") {
  for_all([](const actor_facts& a, const invocation_facts& i) {
    if (i.is_kept_out && (i.started || i.kind != purpose::lifecycle) && admit(a, i) == verdict::run) {
      FAIL("an invocation runs beside the one that holds the actor");
    }
  });
}

TEST_CASE("a call that was given up before it began never runs, and a message that must arrive is not refused for it") {
  require_of([](auto&, auto& i) { return is_new(i) && i.given_up && !i.must_arrive; }, {verdict::refuse_given_up});
  for_all([](const actor_facts& a, const invocation_facts& i) {
    const auto found = admit(a, i);
    if (i.must_arrive && (found == verdict::refuse_given_up || found == verdict::refuse_end)) FAIL("it is refused");
  });
}

TEST_CASE("nothing but a wake begins in an actor that is not in memory") {
  require_of([](auto& a, auto& i) { return a.phase == phase::asleep && is_new(i) && !i.given_up; },
             {verdict::wake, verdict::refuse_runtime_stops, verdict::refuse_earlier_life, verdict::refuse_earlier_actor});
  require_of([](auto& a, auto& i) { return a.phase == phase::waking && is_new(i) && !i.given_up; },
             {verdict::wait_for_procedure, verdict::refuse_own_wake, verdict::refuse_earlier_life,
              verdict::refuse_earlier_actor});
  require_of([](auto& a, auto& i) { return a.phase == phase::finalising && is_new(i) && !i.given_up; },
             {verdict::wait_for_procedure, verdict::refuse_late_task, verdict::refuse_earlier_life,
              verdict::refuse_earlier_actor});
}

TEST_CASE("an actor that ends for good takes nothing from outside") {
  require_of(
      [](auto& a, auto& i) {
        const bool is_own = i.kind == purpose::background || (i.kind == purpose::connection && i.posted);
        const bool has_been_led_to = a.phase == phase::stopping && i.descends_from_stop && !i.is_kept_out;
        return a.ends_for_good && (a.phase == phase::awake || a.phase == phase::stopping) && is_new(i) && !i.given_up &&
               !i.of_earlier_actor && !is_own && (!has_been_led_to || i.kind == purpose::enqueue);
      },
      {verdict::wait_for_holder, verdict::wait_for_procedure, verdict::wait_for_successor, verdict::refuse_end});
}

TEST_CASE("only an answer that an actor waits for is refused because the actor ends") {
  for_all([](const actor_facts& a, const invocation_facts& i) {
    if (admit(a, i) == verdict::refuse_end && !(a.ends_for_good && i.from_actor && !i.posted)) FAIL("it is refused");
  });
}

TEST_CASE("an ephemeral actor that falls asleep takes no message, which would go with it") {
  for_all([](const actor_facts& a, const invocation_facts& i) {
    const bool ends = a.phase == phase::stopping || (a.phase == phase::awake && a.falls_asleep);
    if (ends && a.is_ephemeral && is_new(i) && i.kind == purpose::enqueue && admit(a, i) == verdict::run) {
      FAIL("it takes a message");
    }
  });
}

TEST_CASE("an actor that is awake and told nothing runs what comes") {
  for (const purpose kind : purposes) {
    actor_facts a;
    a.phase = phase::awake;
    invocation_facts i;
    i.kind = kind;
    CHECK(admit(a, i) == verdict::run);
  }
}

TEST_CASE("while an actor shuts down, calls that its invocations have led to run, and others wait once it is quiet") {
  actor_facts a;
  a.phase = phase::stopping;
  invocation_facts i;
  CHECK(admit(a, i) == verdict::run);
  a.is_quiet = true;
  CHECK(admit(a, i) == verdict::wait_for_procedure);
  i.descends_from_stop = true;
  CHECK(admit(a, i) == verdict::run);
  i.descends_from_stop = false;
  a.is_quiet = false;
  a.is_interrupted = true;
  CHECK(admit(a, i) == verdict::wait_for_procedure);
}
