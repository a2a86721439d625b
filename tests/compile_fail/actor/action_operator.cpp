// expect: troupe: this action is an operator, which has no name to be called by; give it one with troupe::named<...>
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  int operator()(int by) { return count += by; }
  using actor = troupe::actor<thing, &thing::operator()>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
