// expect: troupe: the manifest lists a method of another struct
#include <troupe/troupe.hpp>

struct other {
  int get() const { return 0; }
};
struct thing {
  using actor = troupe::actor<thing, &other::get>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
