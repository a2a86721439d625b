// expect: troupe: troupe::named is for actions; an event or queue has its name in its type
#include <troupe/troupe.hpp>

struct room {
  static constexpr troupe::event<"said", int> said{};
  int count = 0;
  using actor = troupe::actor<room, troupe::named<said, "spoken">>;
};

void f(troupe::registry& r) { r.use<room>("room"); }
