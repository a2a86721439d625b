// expect: troupe: migrate is never called, since the actor has no version; give it `static constexpr int version = 2;`
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  static void migrate(troupe::json&, int) {}
  using actor = troupe::actor<thing>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
