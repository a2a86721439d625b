// expect: troupe: an action cannot return a pointer; return a value
#include <troupe/troupe.hpp>

struct counter {
  int count = 0;
  int* action() { return &count; }
  using actor = troupe::actor<counter, &counter::action>;
};

void f(troupe::registry& r) { r.use<counter>("counter"); }
