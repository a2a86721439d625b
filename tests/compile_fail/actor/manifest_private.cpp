// expect: troupe: the actor's manifest is private, or no troupe::actor<...>
#include <troupe/troupe.hpp>

class thing {
 public:
  int count = 0;
  int get() const { return count; }

 private:
  using actor = troupe::actor<thing, &thing::get>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
