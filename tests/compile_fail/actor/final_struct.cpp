// expect: troupe: an actor may not be final, since its hooks are found by deriving from it
#include <troupe/troupe.hpp>

struct thing final {
  int count = 0;
  int get() const { return count; }
  using actor = troupe::actor<thing, &thing::get>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
