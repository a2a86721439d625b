// expect: troupe: the actor has no manifest, or one with an error of which the compiler tells above; write `using actor = troupe::actor<Self, &Self::action, ...>;` below the methods that it lists, none of them overloaded
#include <troupe/troupe.hpp>

struct thing {
  int get() const { return 0; }
};

int f(const troupe::client& c) { return c.get<thing>("x").call<&thing::get>().get(); }
