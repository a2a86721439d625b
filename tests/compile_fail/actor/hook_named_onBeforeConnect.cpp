// expect: troupe: the hook is named on_before_connect
#include <troupe/troupe.hpp>

struct room {
  int count = 0;
  void onBeforeConnect(troupe::context<room>&) {}
  using actor = troupe::actor<room>;
};

void f(troupe::registry& r) { r.use<room>("room"); }
