// expect: troupe: the hook is named create_connection_state
#include <troupe/troupe.hpp>

struct room {
  int count = 0;
  int create_conn_state(troupe::context<room>&) { return 1; }
  using actor = troupe::actor<room>;
};

void f(troupe::registry& r) { r.use<room>("room"); }
