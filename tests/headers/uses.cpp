// SPDX-License-Identifier: Apache-2.0
// Every verb of a user's program, compiled with more warnings than the project's own. A program that takes its flags from
// pkg-config gets the warnings of the headers too.
#include <all_headers.hpp>

using namespace std::chrono_literals;

namespace {

struct job { std::string what; std::uint32_t times = 1; };
struct login { std::string name; int level = 0; };
struct reg { std::string email; std::uint8_t age; };
struct worker {
  static constexpr troupe::queue<"work", job> work{};
  static constexpr troupe::queue<"plans", job, int> plans{};
  static constexpr troupe::queue<"numbers", std::uint32_t> numbers{};
  static constexpr troupe::event<"done", job> done{};
  static constexpr troupe::event<"two", std::uint8_t, job> two{};
  int total = 0;
  void on_create(troupe::context<worker>&, reg) {}
  void on_before_connect(troupe::context<worker>&, const login&) {}
  int take(troupe::context<worker>& c, const job& j) {
    c.broadcast(done, j.what, 3);
    c.broadcast(done, j);
    c.broadcast(two, 3, j);
    c.queue().send(work, "x", 5);
    c.queue().send(work, j, troupe::delayed(1s));
    return total += static_cast<int>(j.times);
  }
  int set(std::uint32_t n, std::string_view s) { return total = static_cast<int>(n + s.size()); }
  int maybe(std::optional<std::uint8_t> n) { return total += n.value_or(0); }
  using actor = troupe::actor<worker, &worker::take, &worker::set, &worker::maybe, work, plans, numbers, done, two>;
};
troupe::task<> f(troupe::client c, troupe::handle<worker> w, int n, std::size_t big, job named) {
  int r = co_await w.call<&worker::take>("mow", 3);
  r += co_await w.call<&worker::take>("mow");
  r += co_await w.call<&worker::take>(named);
  r += co_await w.call<&worker::take>(troupe::moved(named));
  r += co_await w.call<&worker::set>(n, "x");
  r += co_await w.call<&worker::set>(big, named.what);
  r += co_await w.call<&worker::maybe>(n);
  co_await w.send(worker::work, "a", n);
  co_await w.send(worker::work, "a", 3, troupe::delayed(10min));
  co_await w.send(worker::work, named);
  co_await w.send(worker::numbers, 7);
  co_await w.send(worker::work, troupe::moved(named), troupe::delayed(10min));
  const std::optional<int> a = co_await w.send_and_wait(worker::plans, "a", big);
  w.post<&worker::take>("b", big);
  w.post<&worker::take>(job{"b", 2});
  auto made = co_await c.create<worker>("k", "e@x", 5);
  troupe::tags t{{"a", "b"}};
  auto made2 = co_await c.create<worker>("k", "e@x", 5, t);
  reg input{"e", 1};
  auto made3 = co_await c.create<worker>("k", input, t);
  auto made4 = co_await c.create<worker>("k", input);
  auto made5 = co_await c.create<worker>("k", t);
  const auto h = c.get_or_create<worker>("k", reg{"e", 1}, {{"a", "b"}});
  r += co_await h.call<&worker::set>(1, "");
  auto conn = co_await w.connect("bob", 3);
  auto call = w.call<&worker::take>(job{"x"});
  r += co_await call;
  auto heard = conn.on(worker::done, [](const job&) {});
  auto stream = conn.stream(worker::two);
  const auto next = co_await stream.next();
  const auto both = co_await troupe::when_all(w.call<&worker::set>(1, "x"), conn.call<&worker::maybe>(2));
  const auto first = co_await troupe::when_any(w.call<&worker::set>(1, "x"), w.resolve());
  const std::string json = co_await w.call("take", "[]");
  const bool said = a && next && both != std::tuple{0, 0} && first.index() == 0 && !json.empty();
  if (said) {
    const auto state = co_await made2.status();
    r += state.state == troupe::actor_status::phase::awake ? 1 : 0;
  }
}
int g(troupe::handle<worker> w, troupe::runtime& rt, troupe::client c) {
  w.send(worker::work, job{"x"}).get();
  auto x = c.create<worker>("k", reg{"e", 1}).get();
  auto y = troupe::sync_wait(c.create<worker>("k", reg{"e", 1}));
  auto z = rt.run(c.create<worker>("k", reg{"e", 1}));
  auto s = rt.run(w.connect(login{"x"}));
  int sum = w.call<&worker::take>(job{"x"}).get();
  sum += troupe::sync_wait(w.call<&worker::take>(job{"x"}));
  sum += rt.run(w.call<&worker::take>(job{"x"}));
  return sum;
}

}  // namespace

int main() {
  troupe::registry registry;
  registry.use<worker>("worker");
  troupe::runtime runtime{registry};
  auto w = runtime.client().get_or_create<worker>("w", "e", 1);
  runtime.spawn(f(runtime.client(), w, 1, 2, job{"x"}));
  return g(w, runtime, runtime.client());
}
