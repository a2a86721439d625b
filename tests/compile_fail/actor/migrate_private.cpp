// expect: troupe: migrate is `static void migrate(troupe::json& state, int from)`, and public
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  static constexpr int version = 2;
  using actor = troupe::actor<thing>;

 private:
  static void migrate(troupe::json&, int) {}
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
