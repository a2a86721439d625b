// expect: troupe: name at least one queue of the actor to receive from
#include <troupe/troupe.hpp>

struct job {
  std::string text;
};
struct worker {
  static constexpr troupe::queue<"work", job> work{};
  static constexpr troupe::queue<"plans", job, int> plans{};
  static constexpr troupe::queue<"secret", job> secret{};
  void act(troupe::context<worker>& c) { static_cast<void>(c.queue().next(std::chrono::seconds{1})); }
  using actor = troupe::actor<worker, work, plans, &worker::act>;
};

void f(troupe::registry& r) { r.use<worker>("worker"); }
