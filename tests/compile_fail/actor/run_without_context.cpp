// expect: troupe: run is the actor's run loop, `troupe::task<> run(troupe::context<Self>&)`; another method needs another name
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  troupe::task<> run() { co_return; }
  using actor = troupe::actor<thing>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
