// expect: troupe: the member is named version, not schema_version
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  static constexpr int schema_version = 2;
  using actor = troupe::actor<thing>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
