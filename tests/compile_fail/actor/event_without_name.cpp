// expect: troupe: an event needs a name
#include <troupe/troupe.hpp>

struct room {
  static constexpr troupe::event<"", int> said{};
  int count = 0;
  using actor = troupe::actor<room, said>;
};

void f(troupe::registry& r) { r.use<room>("room"); }
