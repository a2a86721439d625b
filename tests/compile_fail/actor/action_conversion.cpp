// expect: troupe: this action is an operator, which has no name to be called by; give it one with troupe::named<...>
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  operator int() const { return count; }
  using actor = troupe::actor<thing, &thing::operator int>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
