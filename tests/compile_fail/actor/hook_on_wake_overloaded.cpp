// expect: troupe: on_wake may not be overloaded
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  void on_wake(troupe::context<thing>&) {}
  void on_wake(troupe::context<thing>&, int) {}
  using actor = troupe::actor<thing>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
