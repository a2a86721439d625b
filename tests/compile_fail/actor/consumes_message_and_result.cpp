// expect: troupe: a handler that takes `troupe::message_of<jobs>&` answers with complete(value), and returns nothing
#include <troupe/troupe.hpp>

struct job {
  std::string text;
};
struct worker {
  static constexpr troupe::queue<"jobs", job, int> jobs{};
  int on_job(troupe::message_of<jobs>&) { return 1; }
  using actor = troupe::actor<worker, troupe::consumes<jobs, &worker::on_job>>;
};

void f(troupe::registry& r) { r.use<worker>("worker"); }
