// expect: troupe: on_create is `void on_create(troupe::context<Self>&)`
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  int on_create(troupe::context<thing>&) { return 0; }
  using actor = troupe::actor<thing>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
