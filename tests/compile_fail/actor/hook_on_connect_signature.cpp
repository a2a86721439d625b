// expect: troupe: on_connect is `void on_connect(troupe::context<Self>&, troupe::peer<Self>)`
#include <troupe/troupe.hpp>

struct room {
  int count = 0;
  void on_connect(troupe::context<room>&) {}
  using actor = troupe::actor<room>;
};

void f(troupe::registry& r) { r.use<room>("room"); }
