// expect: troupe: run is the actor's run loop, `troupe::task<> run(troupe::context<Self>&)`; another method needs another name
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  troupe::task<int> run(troupe::context<thing>&) { co_return count; }
  using actor = troupe::actor<thing>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
