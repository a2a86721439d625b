// expect: troupe: the name that troupe::named gives an action may not be empty
#include <troupe/troupe.hpp>

struct thing {
  int get() const { return 0; }
  using actor = troupe::actor<thing, troupe::named<&thing::get, "">>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
