// expect: troupe: on_sleep is `void on_sleep(troupe::context<Self>&)`, or the same with troupe::task<>
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  void on_sleep() {}
  using actor = troupe::actor<thing>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
