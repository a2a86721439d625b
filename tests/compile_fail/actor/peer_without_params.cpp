// expect: troupe: connections of this actor bring nothing; give on_before_connect or create_connection_state a parameter for it
#include <troupe/troupe.hpp>

struct room {
  int count = 0;
  void on_connect(troupe::context<room>&, troupe::peer<room> p) { static_cast<void>(p.params()); }
  using actor = troupe::actor<room>;
};

void f(troupe::registry& r) { r.use<room>("room"); }
