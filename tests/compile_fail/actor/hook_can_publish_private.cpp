// expect: troupe: can_publish is private, or overloaded; it must be one public method
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  using actor = troupe::actor<thing>;

 private:
  bool can_publish(troupe::context<thing>&, std::string_view) { return true; }
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
