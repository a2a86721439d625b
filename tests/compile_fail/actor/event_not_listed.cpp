// expect: troupe: this event is not in the actor's manifest `using actor = troupe::actor<...>`; list it there to send it
#include <troupe/troupe.hpp>

struct room {
  static constexpr troupe::event<"said", int> said{};
  int count = 0;
  void say(troupe::context<room>& c) { c.broadcast(said, ++count); }
  using actor = troupe::actor<room, &room::say>;
};

void f(troupe::registry& r) { r.use<room>("room"); }
