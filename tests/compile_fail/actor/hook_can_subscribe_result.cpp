// expect: troupe: can_subscribe is `bool can_subscribe(troupe::context<Self>&, std::string_view event)`
#include <troupe/troupe.hpp>

struct room {
  int count = 0;
  void can_subscribe(troupe::context<room>&, std::string_view) {}
  using actor = troupe::actor<room>;
};

void f(troupe::registry& r) { r.use<room>("room"); }
