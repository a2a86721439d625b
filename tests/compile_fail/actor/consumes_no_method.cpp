// expect: troupe: troupe::consumes takes a queue of the actor and the method that handles its messages: troupe::consumes<jobs, &worker::on_job>
#include <troupe/troupe.hpp>

struct job {
  std::string text;
};
struct worker {
  static constexpr troupe::queue<"jobs", job> jobs{};
  static void on_job(const job&) {}
  using actor = troupe::actor<worker, troupe::consumes<jobs, &worker::on_job>>;
};

void f(troupe::registry& r) { r.use<worker>("worker"); }
