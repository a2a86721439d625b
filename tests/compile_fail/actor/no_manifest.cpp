// expect: troupe: the actor has no manifest; give it `using actor = troupe::actor<Self, &Self::action, ...>;`
#include <troupe/troupe.hpp>

struct thing {
  int get() const { return 0; }
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
