// expect: troupe: the member is named migrate, not migration
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  static constexpr int version = 2;
  static void migration(troupe::json&, int) {}
  using actor = troupe::actor<thing>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
