// expect: troupe: on_disconnect is `void on_disconnect(troupe::context<Self>&, troupe::peer<Self>)`
#include <troupe/troupe.hpp>

struct room {
  int count = 0;
  void on_disconnect(troupe::context<room>&, int) {}
  using actor = troupe::actor<room>;
};

void f(troupe::registry& r) { r.use<room>("room"); }
