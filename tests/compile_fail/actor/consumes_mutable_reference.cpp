// expect: troupe: the handler of a queue takes its message as `const job&`, as `job` or as `troupe::message_of<jobs>&`, after the context if it takes one, and nothing else
#include <troupe/troupe.hpp>

struct job {
  std::string text;
};
struct worker {
  static constexpr troupe::queue<"jobs", job> jobs{};
  void on_job(job&) {}
  using actor = troupe::actor<worker, troupe::consumes<jobs, &worker::on_job>>;
};

void f(troupe::registry& r) { r.use<worker>("worker"); }
