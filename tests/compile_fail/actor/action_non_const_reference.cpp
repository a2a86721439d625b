// expect: troupe: an action cannot take a non-const reference, there is nothing at the caller's to change; take a value
#include <troupe/troupe.hpp>

struct counter {
  int count = 0;
  void action(int& n) { n = count; }
  using actor = troupe::actor<counter, &counter::action>;
};

void f(troupe::registry& r) { r.use<counter>("counter"); }
