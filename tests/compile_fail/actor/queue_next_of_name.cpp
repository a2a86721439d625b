// expect: troupe: one receives from queues of the actor or their dead_letters(); behind them may stand a duration to wait at most, a std::stop_token and, for a batch, a number of messages
#include <troupe/troupe.hpp>

struct job {
  std::string text;
};
struct worker {
  static constexpr troupe::queue<"work", job> work{};
  static constexpr troupe::queue<"plans", job, int> plans{};
  static constexpr troupe::queue<"secret", job> secret{};
  void act(troupe::context<worker>& c) { static_cast<void>(c.queue().next(work, "plans")); }
  using actor = troupe::actor<worker, work, plans, &worker::act>;
};

void f(troupe::registry& r) { r.use<worker>("worker"); }
