// expect: troupe: on_create is `void on_create(troupe::context<Self>&)` or `(troupe::context<Self>&, input)`, or the same with troupe::task<>
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  void on_create() {}
  using actor = troupe::actor<thing>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
