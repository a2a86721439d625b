// expect: troupe: run may not be overloaded
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  troupe::task<> run(troupe::context<thing>&) { co_return; }
  void run(int) {}
  using actor = troupe::actor<thing>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
