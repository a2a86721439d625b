// expect: troupe: an action cannot take a pointer; take a value
#include <troupe/troupe.hpp>

struct counter {
  int count = 0;
  void action(const char* name) { count += name != nullptr; }
  using actor = troupe::actor<counter, &counter::action>;
};

void f(troupe::registry& r) { r.use<counter>("counter"); }
