// expect: troupe: `options` is private and has no effect; make it public, or give it another name
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  using actor = troupe::actor<thing>;

 private:
  static constexpr troupe::options options{};
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
