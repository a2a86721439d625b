// expect: troupe: what a handler returns answers the message, and converts implicitly to the queue's result type; give the queue that type, or return nothing
#include <troupe/troupe.hpp>

struct job {
  std::string text;
};
struct worker {
  static constexpr troupe::queue<"jobs", job> jobs{};
  int on_job(const job&) { return 1; }
  using actor = troupe::actor<worker, troupe::consumes<jobs, &worker::on_job>>;
};

void f(troupe::registry& r) { r.use<worker>("worker"); }
