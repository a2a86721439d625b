// expect: troupe: this type cannot be
#include <troupe/troupe.hpp>

struct thing {
  std::shared_ptr<int> shared;
  using actor = troupe::actor<thing>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
