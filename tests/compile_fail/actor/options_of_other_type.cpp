// expect: troupe: `options` is `static constexpr troupe::options options{...};`
#include <troupe/troupe.hpp>

struct thing {
  static constexpr int options = 5;
  using actor = troupe::actor<thing>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
