// expect: troupe: on_state_change is
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  troupe::task<> on_state_change(troupe::context<thing>&) const { co_return; }
  using actor = troupe::actor<thing>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
