// expect: troupe: send_and_wait takes a queue of the actor, then the message
#include <troupe/troupe.hpp>

struct job {
  std::string text;
};
struct worker {
  static constexpr troupe::queue<"work", job> work{};
  static constexpr troupe::queue<"plans", job, int> plans{};
  static constexpr troupe::queue<"secret", job> secret{};
  using actor = troupe::actor<worker, work, plans>;
};

void f(troupe::handle<worker> h) { h.send_and_wait(42, job{"x"}).get(); }
