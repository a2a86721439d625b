// expect: troupe: on_state_change is `void on_state_change(troupe::context<Self>&) const`; it may look at the state but not change it, nor await
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  void on_state_change(troupe::context<thing>&) { ++count; }
  using actor = troupe::actor<thing>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
