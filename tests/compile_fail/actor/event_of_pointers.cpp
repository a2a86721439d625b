// expect: troupe: an event carries values, not references or pointers
#include <troupe/troupe.hpp>

struct room {
  static constexpr troupe::event<"said", const char*> said{};
  int count = 0;
  using actor = troupe::actor<room, said>;
};

void f(troupe::registry& r) { r.use<room>("room"); }
