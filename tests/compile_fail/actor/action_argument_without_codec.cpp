// expect: troupe: this type cannot be
#include <troupe/troupe.hpp>

struct counter {
  int count = 0;
  void action(std::shared_ptr<int> n) { count = *n; }
  using actor = troupe::actor<counter, &counter::action>;
};

void f(troupe::registry& r) { r.use<counter>("counter"); }
