// expect: troupe: the hook is named on_connect
#include <troupe/troupe.hpp>

struct room {
  int count = 0;
  void on_connected(troupe::context<room>&, troupe::peer<room>) {}
  using actor = troupe::actor<room>;
};

void f(troupe::registry& r) { r.use<room>("room"); }
