// expect: troupe: migrate is `static void migrate(troupe::json& state, int from)`
#include <troupe/troupe.hpp>

struct thing {
  void migrate(troupe::json&, int) {}
  using actor = troupe::actor<thing>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
