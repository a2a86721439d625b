// expect: troupe: on_wake is
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  troupe::task<int> on_wake(troupe::context<thing>&) { co_return 1; }
  using actor = troupe::actor<thing>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
