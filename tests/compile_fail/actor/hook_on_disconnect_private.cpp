// expect: troupe: on_disconnect is private, or overloaded; it must be one public method
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  using actor = troupe::actor<thing>;

 private:
  void on_disconnect(troupe::context<thing>&, troupe::peer<thing>) {}
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
