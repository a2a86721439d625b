// expect: troupe: this does not convert implicitly to the type of the queue's messages
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

void f(troupe::handle<worker> h) { h.send(worker::work, 42).get(); }
