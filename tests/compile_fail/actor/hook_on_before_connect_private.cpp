// expect: troupe: on_before_connect is private, or overloaded; it must be one public method
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  using actor = troupe::actor<thing>;

 private:
  void on_before_connect(troupe::context<thing>&, int) {}
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
