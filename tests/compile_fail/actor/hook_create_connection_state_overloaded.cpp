// expect: troupe: create_connection_state may not be overloaded
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  int create_connection_state(troupe::context<thing>&) { return 1; }
  int create_connection_state(troupe::context<thing>&, int n) { return n; }
  using actor = troupe::actor<thing>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
