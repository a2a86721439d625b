// expect: troupe: the actor has no manifest, or one with an error of which the compiler tells above; write `using actor = troupe::actor<Self, &Self::action, ...>;` below the methods that it lists, none of them overloaded
// expect: thing
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  int action(int n) { return n; }
  int action(double n) { return static_cast<int>(n); }
  using actor = troupe::actor<thing, &thing::action>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
