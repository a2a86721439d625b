// SPDX-License-Identifier: Apache-2.0
// What actors send each other reaches its receiver, whatever ends the life in which it comes there: the next life takes
// it, or the successor.

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include <troupe/testing/simulation.hpp>

using namespace std::chrono_literals;
using troupe::testing::simulation;

namespace {

using texts = std::vector<std::string>;

/// Has place for one note at a time.
template <troupe::durability D>
struct tray {
  static constexpr troupe::queue<"notes", std::string> notes{{.messages_max = 1}};

  troupe::task<> on_destroy(troupe::context<tray>&) { co_await troupe::delay(100ms); }
  void end(troupe::context<tray>& c) { c.destroy(); }
  void touch() {}
  texts read(troupe::context<tray>& c) {
    const auto note = c.queue().try_next(notes);
    return note ? texts{**note} : texts{};
  }

  static constexpr troupe::options options{.durability = D};
  using actor = troupe::actor<tray, notes, &tray::end, &tray::touch, &tray::read>;
};

struct writer {
  int written = 0;

  template <class Tray>
  void write(troupe::context<writer>& c, int count) {
    for (const int last = written + count; written != last; ++written) {
      c.client().get_or_create<Tray>("t").send(Tray::notes, std::to_string(written)).get();
    }
  }
  void to_committed(troupe::context<writer>& c, int count) { write<tray<troupe::durability::committed>>(c, count); }
  void to_relaxed(troupe::context<writer>& c, int count) { write<tray<troupe::durability::relaxed>>(c, count); }
  void to_dreamer(troupe::context<writer>& c, std::string note, std::string letter);

  using actor = troupe::actor<writer, &writer::to_committed, &writer::to_relaxed, &writer::to_dreamer>;
};

struct nest {
  std::vector<nest> inner;
};

/// Takes notes, and leaves letters unread. Its state can become what cannot be stored: it is nested too deeply.
struct dreamer {
  static constexpr troupe::queue<"notes", std::string> notes{};
  static constexpr troupe::queue<"letters", std::string> letters{};

  nest thoughts;
  texts kept;

  void on_note(const std::string& note) { kept.push_back(note); }
  void dream() {
    for (int depth = 0; depth < 200; ++depth) {
      nest around;
      around.inner.push_back(std::move(thoughts));
      thoughts = std::move(around);
    }
  }
  void tell(troupe::context<dreamer>& c, std::string what) {
    c.client().get_or_create<tray<troupe::durability::committed>>("t").send("notes", "\"" + what + "\"").get();
  }
  texts look() const { return kept; }

  static constexpr troupe::options options{.durability = troupe::durability::relaxed, .save_interval = 1min};
  using actor = troupe::actor<dreamer, troupe::consumes<notes, &dreamer::on_note>, letters, &dreamer::dream,
                              &dreamer::tell, &dreamer::look>;
};

void writer::to_dreamer(troupe::context<writer>& c, std::string note, std::string letter) {
  const auto to = c.client().get_or_create<dreamer>("d");
  if (!note.empty()) to.send(dreamer::notes, note).get();
  if (!letter.empty()) to.send(dreamer::letters, letter).get();
}

troupe::registry registry() {
  troupe::registry r;
  r.use<tray<troupe::durability::committed>>("committed").use<tray<troupe::durability::relaxed>>("relaxed");
  r.use<writer>("writer").use<dreamer>("dreamer");
  return r;
}

template <troupe::durability D>
void check_successor(bool more_comes) {
  using receiver = tray<D>;
  simulation sim{registry()};
  const auto from = sim.client().get_or_create<writer>("w");
  const auto write = [&](int count) {
    if constexpr (D == troupe::durability::committed) {
      sim.run(from.call<&writer::to_committed>(count));
    } else {
      sim.run(from.call<&writer::to_relaxed>(count));
    }
  };
  const auto to = sim.client().get_or_create<receiver>("t");
  sim.run(to.template call<&receiver::touch>());
  write(3);
  sim.advance(1ms);
  CHECK(sim.stored_on_their_way() == (D == troupe::durability::committed ? 2 : 3));
  sim.run(to.template call<&receiver::end>());
  sim.advance(10ms);
  if (more_comes) write(1);  // while it is being destroyed
  sim.advance(3s);
  // Nobody has called it.
  CHECK(sim.stored_messages(to, receiver::notes) == texts{"1"});
  texts all;
  for (int i = 0; i < 5; ++i) {
    const auto some = sim.run(to.template call<&receiver::read>());
    all.insert(all.end(), some.begin(), some.end());
    sim.advance(1s);
  }
  CHECK(all == (more_comes ? texts{"1", "2", "3"} : texts{"1", "2"}));
  CHECK(sim.stored_on_their_way() == 0);
  sim.finish();
}

}  // namespace

TEST_CASE("what waits at the full queue of an actor that is destroyed goes to its successor, unasked and in order") {
  const bool more_comes = GENERATE(false, true);
  SECTION("if it is committed") { check_successor<troupe::durability::committed>(more_comes); }
  SECTION("if it is relaxed") { check_successor<troupe::durability::relaxed>(more_comes); }
}

TEST_CASE("a relaxed actor that falls asleep with a state that cannot be stored loses no message") {
  simulation sim{registry()};
  const auto to = [&] { return sim.client().get_or_create<dreamer>("d"); };
  const auto from = [&] { return sim.client().get_or_create<writer>("w"); };
  sim.run(to().call<&dreamer::look>());
  sim.advance(1ms);
  const auto sleeps_in_vain = [&] {
    const auto reports = sim.errors().size();
    sim.put_to_sleep(to());
    CHECK(sim.errors().size() > reports);
  };
  SECTION("and keeps those that wait, from outside and from other actors") {
    sim.run(to().call<&dreamer::dream>());
    sim.run(to().send(dreamer::letters, "from outside"));
    sim.run(from().call<&writer::to_dreamer>("", "from an actor"));
    sim.advance(10ms);
    CHECK(sim.stored_messages(to(), dreamer::letters).empty());
    CHECK(sim.stored_on_their_way() == 1);
    sleeps_in_vain();
    sim.crash();
    sim.settle();
    CHECK(sim.stored_messages(to(), dreamer::letters) == texts{"from outside", "from an actor"});
    CHECK(sim.stored_on_their_way() == 0);
  }
  SECTION("and gets again what came from another actor and was handled in vain") {
    sim.run(to().call<&dreamer::dream>());
    sim.run(from().call<&writer::to_dreamer>("hello", "dear"));
    sim.advance(10ms);
    CHECK(sim.run(to().call<&dreamer::look>()) == texts{"hello"});
    sleeps_in_vain();
    CHECK(sim.stored_on_their_way() == 1);
    if (GENERATE(false, true)) sim.crash();
    sim.advance(90s);
    const auto stored = sim.stored(to());
    CHECK((stored && stored->kept == texts{"hello"}));
    CHECK(sim.stored_messages(to(), dreamer::letters) == texts{"dear"});
    CHECK(sim.stored_on_their_way() == 0);
  }
  SECTION("and wakes by itself for what was in its queue and was handled in vain") {
    sim.run(to().send(dreamer::notes, "later", troupe::delayed{1s}));
    sim.put_to_sleep(to());
    sim.run(to().call<&dreamer::dream>());
    sim.advance(2s);
    CHECK(sim.run(to().call<&dreamer::look>()) == texts{"later"});
    sleeps_in_vain();
    sim.advance(90s);
    const auto stored = sim.stored(to());
    CHECK((stored && stored->kept == texts{"later"}));
    CHECK(sim.stored_messages(to(), dreamer::notes).empty());
  }
  SECTION("and what it has sent arrives, also after the next start") {
    using receiver = tray<troupe::durability::committed>;
    sim.run(to().call<&dreamer::dream>());
    sim.run(to().call<&dreamer::tell>("1"));
    sim.run(to().call<&dreamer::tell>("2"));
    sim.advance(10ms);
    CHECK(sim.stored_on_their_way() == 0);
    sleeps_in_vain();
    CHECK(sim.stored_on_their_way() == 1);
    sim.restart();
    sim.advance(1s);
    const auto t = [&] { return sim.client().get_or_create<receiver>("t"); };
    CHECK(sim.run(t().call<&receiver::read>()) == texts{"1"});
    sim.advance(1s);
    CHECK(sim.run(t().call<&receiver::read>()) == texts{"2"});
  }
  sim.finish();
}
