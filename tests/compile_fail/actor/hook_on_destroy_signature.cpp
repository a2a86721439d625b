// expect: troupe: on_destroy is `void on_destroy(troupe::context<Self>&)`, or the same with troupe::task<>
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  bool on_destroy(troupe::context<thing>&) { return true; }
  using actor = troupe::actor<thing>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
