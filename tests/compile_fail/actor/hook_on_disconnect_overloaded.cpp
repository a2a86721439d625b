// expect: troupe: on_disconnect may not be overloaded
#include <troupe/troupe.hpp>

struct room {
  int count = 0;
  void on_disconnect(troupe::context<room>&, troupe::peer<room>) {}
  void on_disconnect(troupe::context<room>&, int) {}
  using actor = troupe::actor<room>;
};

void f(troupe::registry& r) { r.use<room>("room"); }
