// expect: troupe: `options` is `static constexpr troupe::options options{...};`
#include <troupe/troupe.hpp>

struct thing {
  troupe::options options;
  using actor = troupe::actor<thing>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
