// expect: troupe: the context is the first parameter of an action, as troupe::context<Self>&
#include <troupe/troupe.hpp>

struct counter {
  int count = 0;
  void action(int n, troupe::context<counter>&) { count += n; }
  using actor = troupe::actor<counter, &counter::action>;
};

void f(troupe::registry& r) { r.use<counter>("counter"); }
