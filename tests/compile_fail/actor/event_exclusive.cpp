// expect: troupe: troupe::exclusive is for actions
#include <troupe/troupe.hpp>

struct room {
  static constexpr troupe::event<"said", int> said{};
  int count = 0;
  using actor = troupe::actor<room, troupe::exclusive<said>>;
};

void f(troupe::registry& r) { r.use<room>("room"); }
