// expect: troupe: the manifest lists a handler of another struct
#include <troupe/troupe.hpp>

struct job {
  std::string text;
};
struct other {
  void on_job(const job&) {}
  using actor = troupe::actor<other>;
};
struct worker {
  static constexpr troupe::queue<"jobs", job> jobs{};
  using actor = troupe::actor<worker, troupe::consumes<jobs, &other::on_job>>;
};

void f(troupe::registry& r) { r.use<worker>("worker"); }
