// expect: troupe: dead_letters takes a queue of the actor
#include <troupe/troupe.hpp>

struct job {
  std::string text;
};
struct worker {
  static constexpr troupe::queue<"jobs", job> jobs{};
  std::size_t count(troupe::context<worker>& c) { return c.queue().dead_letters("jobs").size(); }
  using actor = troupe::actor<worker, jobs, &worker::count>;
};

void f(troupe::registry& r) { r.use<worker>("worker"); }
