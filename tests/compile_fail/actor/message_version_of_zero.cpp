// expect: troupe: `version` is `static constexpr int version = 2;`, 1 or more
#include <troupe/troupe.hpp>

struct job {
  static constexpr int version = 0;
  std::string text;
};
struct worker {
  static constexpr troupe::queue<"jobs", job> jobs{};
  void on_job(const job&) {}
  using actor = troupe::actor<worker, troupe::consumes<jobs, &worker::on_job>>;
};

void f(troupe::registry& r) { r.use<worker>("worker"); }
