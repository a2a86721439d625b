// expect: troupe: the context of an action is that of its own actor: troupe::context<Self>&
#include <troupe/troupe.hpp>

struct counter {
  int count = 0;
  void action(troupe::context<int>&, int n) { count += n; }
  using actor = troupe::actor<counter, &counter::action>;
};

void f(troupe::registry& r) { r.use<counter>("counter"); }
