// expect: troupe: on_wake is
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  static void on_wake(troupe::context<thing>&) {}
  using actor = troupe::actor<thing>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
