// expect: troupe: on_connect is `void on_connect(troupe::context<Self>&, troupe::peer<Self>)`
#include <troupe/troupe.hpp>

struct room {
  int count = 0;
  troupe::task<> on_connect(troupe::context<room>&, const troupe::peer<room>&) { co_return; }
  using actor = troupe::actor<room>;
};

void f(troupe::registry& r) { r.use<room>("room"); }
