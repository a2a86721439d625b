// expect: troupe: migrate is `static void migrate(troupe::json& state, int from)`
#include <troupe/troupe.hpp>

struct thing {
  static void migrate(std::string& state, int from) { state += std::to_string(from); }
  using actor = troupe::actor<thing>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
