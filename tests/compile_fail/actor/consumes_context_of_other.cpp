// expect: troupe: the context of a handler is that of its own actor: troupe::context<Self>&
#include <troupe/troupe.hpp>

struct job {
  std::string text;
};
struct other {
  using actor = troupe::actor<other>;
};
struct worker {
  static constexpr troupe::queue<"jobs", job> jobs{};
  void on_job(troupe::context<other>&, const job&) {}
  using actor = troupe::actor<worker, troupe::consumes<jobs, &worker::on_job>>;
};

void f(troupe::registry& r) { r.use<worker>("worker"); }
