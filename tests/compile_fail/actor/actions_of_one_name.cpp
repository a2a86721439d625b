// expect: troupe: two actions, events or queues of the manifest have one name; give one another name, an action with troupe::named<...>
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  int get() const { return count; }
  int amount() const { return count; }
  using actor = troupe::actor<thing, &thing::get, troupe::named<&thing::amount, "get">>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
