// expect: troupe: these are not the values that the event carries
#include <troupe/troupe.hpp>

struct room {
  static constexpr troupe::event<"said", std::string> said{};
  int count = 0;
  void say(troupe::context<room>& c) { c.broadcast(said, ++count, count); }
  using actor = troupe::actor<room, &room::say, said>;
};

void f(troupe::registry& r) { r.use<room>("room"); }
