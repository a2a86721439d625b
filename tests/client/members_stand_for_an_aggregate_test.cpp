// SPDX-License-Identifier: Apache-2.0
// Where one aggregate is wanted, its members may be given: then no temporary stands in an awaited expression, which
// some compilers destroy twice. The texts are too long for a string without a heap block, so that ASan would notice.

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <troupe/troupe.hpp>

#include "core/manual_runtime.hpp"
#include "loopback/client_of.hpp"

using namespace std::chrono_literals;
using troupe::context;

namespace {

const std::string long_text = "water the flowers behind the house, and those before it";

/// Counts the copies that are made of it.
struct traced {
  traced() = default;
  explicit traced(std::string t) : text{std::move(t)} {}
  traced(const traced& other) : text{other.text}, copies{other.copies + 1} {}
  traced(traced&&) noexcept = default;
  traced& operator=(const traced&) = default;
  traced& operator=(traced&&) noexcept = default;
  std::string text;
  int copies = 0;
};

}  // namespace

template <>
struct troupe::codec<traced> {
  static void write(cbor_writer& out, const traced& value) { troupe::write(out, value.text); }
  static void read(cbor_reader& in, traced& value) { troupe::read(in, value.text); }
};

namespace {

struct job {
  std::string what;
  std::uint32_t times = 1;
  std::vector<std::string> tools;
};

struct holder {
  traced what;
  int n = 0;
};

/// Converts from text, and is an aggregate of a text too.
struct label {
  std::string text;
};

struct registration {
  std::string name;
  std::uint8_t age = 0;
};

struct worker {
  static constexpr troupe::queue<"work", job> work{};
  static constexpr troupe::queue<"plans", job, std::string> plans{};
  static constexpr troupe::event<"done", job> done{};

  std::vector<std::string> log;
  registration who;

  void on_create(context<worker>&, registration r) { who = std::move(r); }
  void on_before_connect(context<worker>&, const registration& r) { log.push_back("connected " + r.name); }

  static std::string text_of(const job& j) {
    return j.what + " " + std::to_string(j.times) + " " + std::to_string(j.tools.size());
  }
  std::string take(const job& j) {
    log.push_back(text_of(j));
    return log.back();
  }
  std::string two(label first, int second) { return first.text + std::to_string(second); }
  int copies(holder h) { return h.what.copies; }
  std::string own_name() const { return who.name + " " + std::to_string(who.age); }
  std::vector<std::string> all() const { return log; }

  void tell(context<worker>& c) { c.broadcast(done, long_text, 4); }
  void send_on(context<worker>& c) { c.queue().send(work, long_text, 5, troupe::delayed(1s)); }
  troupe::task<std::string> next(context<worker>& c) {
    auto m = co_await c.queue().next(work);
    co_return text_of(*m);
  }
  troupe::task<> answer(context<worker>& c) {
    auto m = co_await c.queue().next(plans);
    m.complete("did " + text_of(*m));
  }

  using actor = troupe::actor<worker, &worker::take, &worker::two, &worker::copies, &worker::own_name, &worker::all,
                              &worker::tell, &worker::send_on, &worker::next, &worker::answer, work, plans, done>;
};

troupe::registry everything() {
  troupe::registry r;
  r.use<worker>("worker");
  return r;
}

struct fixture {
  troupe::registry served = everything();
  manual_runtime runtime{served};
  troupe::handle<worker> w = client_of(*runtime).get_or_create<worker>("w", "w", 1);
};

using texts = std::vector<std::string>;

troupe::task<texts> call_in_every_form(troupe::handle<worker> w) {
  texts said;
  auto a = co_await w.call<&worker::take>(long_text, 3);
  said.push_back(std::move(a));
  auto b = co_await w.call<&worker::take>(long_text);
  said.push_back(std::move(b));
  const job named{long_text, 7, {"can"}};
  auto c = co_await w.call<&worker::take>(named);
  said.push_back(std::move(c));
  job given{long_text, 8, {}};
  auto d = co_await w.call<&worker::take>(troupe::moved(given));
  said.push_back(std::move(d));
  const label first{"x"};
  auto e = co_await w.call<&worker::two>(first, 2);
  said.push_back(std::move(e));
  auto call = w.call<&worker::take>(job{long_text, 9, {}});  // a statement of its own
  auto f = co_await call;
  said.push_back(std::move(f));
  co_return said;
}

troupe::task<std::string> send_in_every_form(troupe::handle<worker> w) {
  co_await w.send(worker::work, long_text, 1);
  co_await w.send(worker::work, long_text, 2, troupe::delayed(1min));
  job named{long_text, 3, {}};
  co_await w.send(worker::work, named);
  co_await w.send(worker::work, troupe::moved(named), troupe::delayed(2min));
  w.post<&worker::answer>();
  auto answer = co_await w.send_and_wait(worker::plans, long_text, 6);
  co_return *answer;
}

troupe::task<std::string> create_in_every_form(troupe::client client) {
  auto first = co_await client.create<worker>("first", long_text, 31);
  const troupe::tags plan{{"plan", "free"}};
  auto second = co_await client.create<worker>("second", long_text, 32, plan);
  const registration named{"named", 33};
  auto third = co_await client.create<worker>("third", named, plan);
  auto fourth = client.get_or_create<worker>("fourth", "short", 34, plan);
  auto fifth = client.get_or_create<worker>("fifth", "tagged", troupe::tags{{"plan", "free"}});
  std::string all;
  for (auto* each : {&first, &second, &third, &fourth, &fifth}) {
    auto name = co_await each->call<&worker::own_name>();
    all += name + ";";
  }
  auto free = co_await client.find<worker>(plan);
  all += std::to_string(free.size());
  co_return all;
}

}  // namespace

TEST_CASE("a call takes the members of its only parameter", "[client][arguments]") {
  fixture f;
  const auto said = f.runtime->run(call_in_every_form(f.w));
  CHECK(said == texts{long_text + " 3 0", long_text + " 1 0", long_text + " 7 1", long_text + " 8 0", "x2",
                      long_text + " 9 0"});
  f.w.post<&worker::take>("posted", 2);
  f.runtime.settle();
  CHECK(f.runtime->run(f.w.call<&worker::all>()).back() == "posted 2 0");
}

TEST_CASE("a send takes the members of the message, and maybe a delay behind them", "[client][arguments]") {
  fixture f;
  CHECK(f.runtime->run(send_in_every_form(f.w)) == "did " + long_text + " 6 0");
  CHECK(f.runtime->run(f.w.call<&worker::next>()) == long_text + " 1 0");
  CHECK(f.runtime->run(f.w.call<&worker::next>()) == long_text + " 3 0");
  f.runtime.advance(3min);
  CHECK(f.runtime->run(f.w.call<&worker::next>()) == long_text + " 2 0");
  CHECK(f.runtime->run(f.w.call<&worker::next>()) == long_text + " 3 0");
  f.runtime->run(f.w.call<&worker::send_on>());
  f.runtime.advance(2s);
  CHECK(f.runtime->run(f.w.call<&worker::next>()) == long_text + " 5 0");
}

TEST_CASE("creation takes the members of the input, and maybe tags behind them", "[client][arguments]") {
  fixture f;
  CHECK(f.runtime->run(create_in_every_form(client_of(*f.runtime))) ==
        long_text + " 31;" + long_text + " 32;named 33;short 34;tagged 0;4");
}

TEST_CASE("connections and events take the members of what they carry", "[client][arguments]") {
  fixture f;
  auto heard = f.runtime->run(f.w.connect("ada", 36));
  CHECK(f.runtime->run(f.w.call<&worker::all>()) == texts{"connected ada"});
  auto stream = heard.stream(worker::done);
  f.runtime->run(f.w.call<&worker::tell>());
  const auto event = f.runtime->run(stream.next());
  REQUIRE(event);
  CHECK(event->what == long_text);
  CHECK(event->times == 4);
}

TEST_CASE("neither members nor a moved argument are copied", "[client][arguments]") {
  fixture f;
  CHECK(f.runtime->run(f.w.call<&worker::copies>(traced{long_text}, 1)) == 0);
  holder named{traced{long_text}, 1};
  CHECK(f.runtime->run(f.w.call<&worker::copies>(troupe::moved(named))) == 0);
  CHECK(named.what.text.empty());
  holder kept{traced{long_text}, 1};
  CHECK(f.runtime->run(f.w.call<&worker::copies>(kept)) == 1);
  CHECK(kept.what.text == long_text);
}

TEST_CASE("outside of coroutines a temporary is as good as a name", "[client][arguments]") {
  fixture f;
  CHECK(f.runtime->run(f.w.call<&worker::take>(job{long_text, 3, {}})) == long_text + " 3 0");
  f.runtime->run(f.w.send(worker::work, job{long_text, 4, {}}));
  CHECK(f.runtime->run(f.w.call<&worker::next>()) == long_text + " 4 0");
  auto made = f.runtime->run(client_of(*f.runtime).create<worker>("made", registration{long_text, 5}));
  CHECK(f.runtime->run(made.call<&worker::own_name>()) == long_text + " 5");
  CHECK(f.runtime->run(f.w.connect(registration{"eve", 1})).connected());
  CHECK(f.w.call<&worker::take>(job{long_text, 5, {}}).get() == long_text + " 5 0");
  troupe::runtime on_threads{f.served};
  const auto w = client_of(on_threads).get_or_create<worker>("w", registration{"w", 1});
  CHECK(troupe::sync_wait(w.call<&worker::take>(job{long_text, 6, {}})) == long_text + " 6 0");
}
