// expect: troupe: on_before_connect and create_connection_state take the same type: what a connection brings
#include <troupe/troupe.hpp>

struct room {
  int count = 0;
  void on_before_connect(troupe::context<room>&, const std::string&) {}
  int create_connection_state(troupe::context<room>&, int n) { return n; }
  using actor = troupe::actor<room>;
};

void f(troupe::registry& r) { r.use<room>("room"); }
