// expect: troupe: what a handler returns answers the message, and converts implicitly to the queue's result type; give the queue that type, or return nothing
#include <troupe/troupe.hpp>

struct job {
  std::string text;
};
struct worker {
  static constexpr troupe::queue<"jobs", job, int> jobs{};
  troupe::task<std::string> on_job(job j) { co_return j.text; }
  using actor = troupe::actor<worker, troupe::consumes<jobs, &worker::on_job>>;
};

void f(troupe::registry& r) { r.use<worker>("worker"); }
