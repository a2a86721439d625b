// SPDX-License-Identifier: Apache-2.0
// get() on a thread that must not block is refused before anything runs, whether or not it would have come to waiting.

#include <future>

#include <catch2/catch.hpp>

#include "loopback/client_of.hpp"
#include "runtime/gated_store.hpp"
#include "runtime/world.hpp"

using namespace behaviour;

namespace {

struct station {
  static constexpr troupe::event<"news", int> news{};
  static constexpr troupe::queue<"letters", int> letters{};

  int heard = 0;

  int note() { return ++heard; }
  troupe::task<int> note_slowly() { co_return ++heard; }
  int value() const { return heard; }
  void tell(troupe::context<station>& c) { c.broadcast(news, 1); }

  using actor = troupe::actor<station, news, letters, &station::note, &station::note_slowly, &station::value,
                              &station::tell>;
};

troupe::registry registry() {
  troupe::registry r;
  r.use<station>("station");
  return r;
}

troupe::task<int> call_in_task(troupe::handle<station> to) {
  const int n = co_await to.call<&station::note>();
  co_return n;
}

/// What each way to block comes to here.
std::vector<std::string> codes_of_all(const troupe::handle<station>& to) {
  std::vector<std::string> codes;
  codes.push_back(code_when([&] { to.call<&station::note>().get(); }));
  codes.push_back(code_when([&] { to.call<&station::note_slowly>().get(); }));
  codes.push_back(code_when([&] { static_cast<void>(to.call("note", "[]").get()); }));
  codes.push_back(code_when([&] { to.send(station::letters, 1).get(); }));
  codes.push_back(code_when([&] { static_cast<void>(to.resolve().get()); }));
  codes.push_back(code_when([&] { static_cast<void>(to.connect().get()); }));
  codes.push_back(code_when([&] { troupe::sync_wait(call_in_task(to)); }));
  return codes;
}

const std::vector<std::string> all_refused(7, "actor.invalid_operation");

}  // namespace

TEST_CASE("an event handler that blocks is refused, and nothing has run: one thread") {
  world w{registry()};
  const auto s = w.client.get_or_create<station>("s");
  const auto target = w.client.get_or_create<station>("target");
  w.run(target.call<&station::value>());  // awake and idle: the calls could run on the spot
  const auto room = w.run(s.connect());
  std::vector<std::string> codes;
  const auto heard = room.on(station::news, [&](int) { codes = codes_of_all(target); });
  w.run(s.call<&station::tell>());
  w.settle();
  CHECK(codes == all_refused);
  CHECK(w.run(target.call<&station::value>()) == 0);
}

TEST_CASE("an event handler that blocks is refused, and nothing has run: a thread pool") {
  troupe::runtime runtime{registry()};
  const auto s = client_of(runtime).get_or_create<station>("s");
  const auto target = client_of(runtime).get_or_create<station>("target");
  target.call<&station::value>().get();
  const auto room = s.connect().get();
  std::promise<std::vector<std::string>> codes;
  const auto heard = room.on(station::news, [&](int) { codes.set_value(codes_of_all(target)); });
  s.call<&station::tell>().get();
  CHECK(codes.get_future().get() == all_refused);
  CHECK(target.call<&station::value>().get() == 0);
}

TEST_CASE("an error handler on the thread that commits may not block on what the next commit decides") {
  gated_store store;
  std::promise<std::vector<std::string>> codes;
  std::optional<troupe::handle<station>> target;
  std::atomic<bool> asked{false};
  troupe::runtime_options options;
  options.store = store;
  options.on_error = [&](const std::exception_ptr&, std::string_view) {
    if (target && !asked.exchange(true)) codes.set_value(codes_of_all(*target));
  };
  troupe::runtime runtime{registry(), options};
  target = client_of(runtime).get_or_create<station>("target");
  target->call<&station::value>().get();
  store.fail();
  target->post<&station::note>();
  CHECK(codes.get_future().get() == all_refused);
  store.heal();
  CHECK(target->call<&station::value>().get() == 1);
}

TEST_CASE("another runtime's handler may block, as a plain thread may") {
  world one{registry()};
  troupe::runtime other{registry()};
  const auto s = one.client.get_or_create<station>("s");
  const auto target = client_of(other).get_or_create<station>("target");
  const auto room = one.run(s.connect());
  int counted = 0;
  const auto heard = room.on(station::news, [&](int) { counted = target.call<&station::note>().get(); });
  one.run(s.call<&station::tell>());
  one.settle();
  CHECK(counted == 1);
}
