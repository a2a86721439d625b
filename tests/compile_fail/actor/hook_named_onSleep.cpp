// expect: troupe: the hook is named on_sleep
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  void onSleep(troupe::context<thing>&) {}
  using actor = troupe::actor<thing>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
