// expect: troupe: an actor is made without arguments; set it up in on_create, from its input
#include <troupe/troupe.hpp>

struct thing {
  explicit thing(int n) : count{n} {}
  int get() const { return count; }
  int count;
  using actor = troupe::actor<thing, &thing::get>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
