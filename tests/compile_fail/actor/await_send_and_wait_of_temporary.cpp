// expect: troupe: this g++ destroys a temporary aggregate, or a lambda with captures, twice in an awaited expression. Pass its members instead: call<...>(a, b), send(queue, a, b), create<...>(key, a, b); or name it in a statement before and pass the name, or troupe::moved(name). See docs/compilers.md
// where: defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#include <troupe/troupe.hpp>

struct job {
  std::string text;
  int times = 1;
};
struct worker {
  static constexpr troupe::queue<"work", job> work{};
  static constexpr troupe::queue<"plans", job, int> plans{};
  static constexpr troupe::queue<"numbers", int> numbers{};
  static constexpr troupe::event<"counted", int> counted{};
  int total = 0;
  void on_create(troupe::context<worker>&, job j) { total = j.times; }
  void on_before_connect(troupe::context<worker>&, const job&) {}
  int take(job j) { return total += j.times; }
  int add(int n, std::optional<int> more) { return total += n + more.value_or(0); }
  using actor = troupe::actor<worker, &worker::take, &worker::add, work, plans, numbers, counted>;
};

troupe::task<> f(troupe::handle<worker> w) { co_await w.send_and_wait(worker::plans, job{"mow"}); }
