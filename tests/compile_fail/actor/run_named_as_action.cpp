// expect: troupe: run is the actor's run loop, which begins by itself; it is not an action
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  troupe::task<> run(troupe::context<thing>&) { co_return; }
  using actor = troupe::actor<thing, troupe::named<&thing::run, "go">>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
