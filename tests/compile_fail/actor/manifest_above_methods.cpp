// expect: troupe: the actor has no manifest, or one with an error of which the compiler tells above; write `using actor = troupe::actor<Self, &Self::action, ...>;` below the methods that it lists, none of them overloaded
#include <troupe/troupe.hpp>

struct thing {
  using actor = troupe::actor<thing, &thing::get>;
  int count = 0;
  int get() const { return count; }
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
