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

  using actor = troupe::actor<writer, &writer::to_committed, &writer::to_relaxed>;
};

troupe::registry registry() {
  troupe::registry r;
  r.use<tray<troupe::durability::committed>>("committed").use<tray<troupe::durability::relaxed>>("relaxed");
  r.use<writer>("writer");
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
