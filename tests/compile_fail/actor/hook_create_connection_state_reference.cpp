// expect: troupe: create_connection_state is `state create_connection_state(troupe::context<Self>&)`
#include <troupe/troupe.hpp>

struct room {
  int count = 0;
  int& create_connection_state(troupe::context<room>&) { return count; }
  using actor = troupe::actor<room>;
};

void f(troupe::registry& r) { r.use<room>("room"); }
