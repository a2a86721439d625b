// expect: troupe: the first argument of troupe::actor<...> is the struct itself
#include <troupe/troupe.hpp>

struct other {
  int get() const { return 0; }
};
struct thing {
  using actor = troupe::actor<other, &other::get>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
