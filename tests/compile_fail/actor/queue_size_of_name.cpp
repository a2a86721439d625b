// expect: troupe: size takes a queue of the actor, or its dead_letters()
#include <troupe/troupe.hpp>

struct job {
  std::string text;
};
struct worker {
  static constexpr troupe::queue<"work", job> work{};
  static constexpr troupe::queue<"plans", job, int> plans{};
  static constexpr troupe::queue<"secret", job> secret{};
  std::size_t act(troupe::context<worker>& c) { return c.queue().size("work"); }
  using actor = troupe::actor<worker, work, plans, &worker::act>;
};

void f(troupe::registry& r) { r.use<worker>("worker"); }
