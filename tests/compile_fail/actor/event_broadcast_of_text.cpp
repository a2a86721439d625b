// expect: troupe: broadcast takes an event of the actor, then its values
#include <troupe/troupe.hpp>

struct room {
  int count = 0;
  void say(troupe::context<room>& c) { c.broadcast("said", ++count); }
  using actor = troupe::actor<room, &room::say>;
};

void f(troupe::registry& r) { r.use<room>("room"); }
