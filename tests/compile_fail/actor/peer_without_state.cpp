// expect: troupe: connections of this actor have no state; give the actor a create_connection_state
#include <troupe/troupe.hpp>

struct room {
  int count = 0;
  void on_connect(troupe::context<room>&, troupe::peer<room> p) { static_cast<void>(p.state()); }
  using actor = troupe::actor<room>;
};

void f(troupe::registry& r) { r.use<room>("room"); }
