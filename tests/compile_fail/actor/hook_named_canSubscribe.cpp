// expect: troupe: the hook is named can_subscribe
#include <troupe/troupe.hpp>

struct room {
  int count = 0;
  bool canSubscribe(troupe::context<room>&, std::string_view) { return true; }
  using actor = troupe::actor<room>;
};

void f(troupe::registry& r) { r.use<room>("room"); }
