// expect: troupe: `version` is private and has no effect; make it public, or give it another name
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  static void migrate(troupe::json&, int) {}
  using actor = troupe::actor<thing>;

 private:
  static constexpr int version = 2;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
