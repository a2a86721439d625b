// expect: troupe: create_connection_state is private, or overloaded; it must be one public method
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  using actor = troupe::actor<thing>;

 private:
  int create_connection_state(troupe::context<thing>&) { return 1; }
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
