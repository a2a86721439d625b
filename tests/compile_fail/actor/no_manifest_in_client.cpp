// expect: troupe: the actor has no manifest; give it `using actor = troupe::actor<Self, &Self::action, ...>;`
#include <troupe/troupe.hpp>

struct thing {
  int get() const { return 0; }
};

int f(const troupe::client& c) { return c.get<thing>("x").call<&thing::get>().get(); }
