// expect: troupe: run is private, or overloaded; it must be one public method
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  using actor = troupe::actor<thing>;

 private:
  troupe::task<> run(troupe::context<thing>&) { co_return; }
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
