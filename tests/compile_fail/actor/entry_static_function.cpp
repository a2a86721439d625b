// expect: troupe: an entry of troupe::actor<State, ...> is a member function like &counter::increment
#include <troupe/troupe.hpp>

struct thing {
  static int get() { return 0; }
  using actor = troupe::actor<thing, &thing::get>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
