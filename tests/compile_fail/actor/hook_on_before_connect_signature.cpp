// expect: troupe: on_before_connect is `void on_before_connect(troupe::context<Self>&)`
#include <troupe/troupe.hpp>

struct room {
  int count = 0;
  bool on_before_connect(troupe::context<room>&) { return true; }
  using actor = troupe::actor<room>;
};

void f(troupe::registry& r) { r.use<room>("room"); }
