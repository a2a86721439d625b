// SPDX-License-Identifier: Apache-2.0
// Connections: an actor that knows who is there. Use them when the actor has to notice that somebody comes and goes,
// keeps something for each of them, or tells them things (examples/events.cpp). For a question and its answer a call
// by a handle is enough, and costs less.

#include <troupe/troupe.hpp>

#include <memory>
#include <optional>
#include <vector>

#include "support.hpp"

using namespace std::chrono_literals;

// [board]
struct whiteboard {
  struct ticket {  // what a visitor brings
    std::string name, password;
  };
  struct visitor {  // what the board keeps of each, as long as the connection lives
    std::string name;
    int strokes = 0;
  };

  int strokes = 0;  // durable, as ever
  std::vector<std::string> visits;

  void on_before_connect(troupe::context<whiteboard>&, const ticket& t) {
    if (t.password != "crayon") throw troupe::user_error{"wrong_password", "The board is for members"};
  }
  visitor create_connection_state(troupe::context<whiteboard>&, const ticket& t) { return {t.name}; }
  void on_connect(troupe::context<whiteboard>&, troupe::peer<whiteboard> p) { visits.push_back("+" + p.state().name); }
  void on_disconnect(troupe::context<whiteboard>&, troupe::peer<whiteboard> p) {
    visits.push_back("-" + p.state().name);
  }

  int draw(troupe::context<whiteboard>& c) {
    ++strokes;
    const auto who = c.connection();  // whom this call comes from, if it came over a connection
    return who ? ++who->state().strokes : 0;
  }
  std::vector<std::string> present(troupe::context<whiteboard>& c) const {
    std::vector<std::string> names;
    for (const auto& p : c.connections()) names.push_back(p.state().name);
    return names;
  }
  void dismiss(troupe::context<whiteboard>& c, std::string name) {
    for (const auto& p : c.connections()) {
      if (p.state().name == name) p.disconnect(troupe::user_error{"dismissed", "The board is closed for " + name});
    }
  }
  std::vector<std::string> guest_book() const { return visits; }

  using actor = troupe::actor<whiteboard, &whiteboard::draw, &whiteboard::present, &whiteboard::dismiss,
                              &whiteboard::guest_book>;
};
// [/board]

using names = std::vector<std::string>;

// [connect]
troupe::task<> a_visit(troupe::handle<whiteboard> board) {
  const whiteboard::ticket alice{"alice", "crayon"};
  auto visit = co_await board.connect(alice);
  const int own = co_await visit.call<&whiteboard::draw>();  // over the connection: the board knows whose stroke it is
  check(own == 1);
  const auto present = co_await board.call<&whiteboard::present>();
  check(present == names{"alice"});
}  // `visit` goes, and the board's on_disconnect runs
// [/connect]

// [refused]
troupe::task<std::string> intrusion(troupe::handle<whiteboard> board) {
  const whiteboard::ticket mallory{"mallory", "guess"};
  std::string why;
  try {
    auto visit = co_await board.connect(mallory);
  } catch (const troupe::user_error& e) {
    why = e.code();  // what on_before_connect threw; the board has seen nobody
  }
  co_return why;
}
// [/refused]

int main() {
  const auto clock = std::make_shared<troupe::manual_clock>();
  const auto executor =
      std::make_shared<troupe::manual_executor>(clock, troupe::manual_executor::options{.io_thread = false});
  troupe::registry registry;
  registry.use<whiteboard>("whiteboard");
  troupe::runtime runtime{registry, {.executor = executor}};
  const auto board = runtime.client().get_or_create<whiteboard>("plan");

  runtime.run(a_visit(board));
  runtime.poll();
  check(runtime.run(intrusion(board)) == "wrong_password");
  check(runtime.run(board.call<&whiteboard::guest_book>()) == names{"+alice", "-alice"});

  // [sleep]
  auto visit = board.connect(whiteboard::ticket{"bob", "crayon"}).get();
  visit.call<&whiteboard::draw>().get();
  for (int second = 0; second < 60; ++second) {
    clock->advance(1s);
    runtime.poll();
  }
  check(board.status().get().state == troupe::actor_status::phase::asleep);  // nobody does anything: the board sleeps
  check(visit.connected());                                                  // and bob is still there
  check(visit.call<&whiteboard::draw>().get() == 2);                         // it wakes, and knows what it knew of him
  // [/sleep]

  // [close]
  std::optional<std::string> why;
  const auto ended = visit.on_close([&](const std::exception_ptr& reason) {
    why = reason ? troupe::to_public_error(reason).code() : "";  // empty: both sides parted in good order
  });
  board.call<&whiteboard::dismiss>("bob").get();
  runtime.poll();
  check(why == "dismissed" && !visit.connected());
  // [/close]
  std::string code;
  try {
    visit.call<&whiteboard::draw>().get();
  } catch (const troupe::error& e) {
    code = e.code();
  }
  check(code == "dismissed");
  check(runtime.run(board.call<&whiteboard::present>()).empty());
  return 0;
}
