// expect: troupe: `version` is `static constexpr int version = 2;`, 1 or more
#include <troupe/troupe.hpp>

struct thing {
  static constexpr int version = 0;
  using actor = troupe::actor<thing>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
