// expect: troupe: this does not convert implicitly to the result type of the queue
#include <troupe/troupe.hpp>

struct job {
  std::string text;
};
struct worker {
  static constexpr troupe::queue<"work", job> work{};
  static constexpr troupe::queue<"plans", job, int> plans{};
  static constexpr troupe::queue<"secret", job> secret{};
  void act(troupe::context<worker>& c) { c.queue().try_next(plans)->complete("one"); }
  using actor = troupe::actor<worker, work, plans, &worker::act>;
};

void f(troupe::registry& r) { r.use<worker>("worker"); }
