// expect: troupe: the member is named options, not option
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  static constexpr troupe::options option{};
  using actor = troupe::actor<thing>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
