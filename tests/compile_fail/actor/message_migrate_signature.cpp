// expect: troupe: migrate of a message or creation input is `static void migrate(troupe::json& value, int from)`
#include <troupe/troupe.hpp>

struct job {
  static constexpr int version = 2;
  std::string text;
  static void migrate(std::string& value, int from) { value += std::to_string(from); }
};
struct worker {
  static constexpr troupe::queue<"jobs", job> jobs{};
  void on_job(const job&) {}
  using actor = troupe::actor<worker, troupe::consumes<jobs, &worker::on_job>>;
};

void f(troupe::registry& r) { r.use<worker>("worker"); }
