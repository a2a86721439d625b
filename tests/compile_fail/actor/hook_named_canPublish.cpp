// expect: troupe: the hook is named can_publish
#include <troupe/troupe.hpp>

struct room {
  int count = 0;
  bool canPublish(troupe::context<room>&, std::string_view) { return true; }
  using actor = troupe::actor<room>;
};

void f(troupe::registry& r) { r.use<room>("room"); }
