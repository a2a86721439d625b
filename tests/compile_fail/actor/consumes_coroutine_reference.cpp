// expect: troupe: a coroutine handler may outlive a reference to the message; take the message by value, or as `troupe::message_of<jobs>&`
#include <troupe/troupe.hpp>

struct job {
  std::string text;
};
struct worker {
  static constexpr troupe::queue<"jobs", job> jobs{};
  troupe::task<> on_job(troupe::context<worker>& c, const job&) { co_await c.delay(std::chrono::seconds{1}); }
  using actor = troupe::actor<worker, troupe::consumes<jobs, &worker::on_job>>;
};

void f(troupe::registry& r) { r.use<worker>("worker"); }
