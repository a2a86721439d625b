// expect: counter
#include <troupe/troupe.hpp>

struct counter {
  int count = 0;
  int action(int n) { return n; }
  int action(double n) { return static_cast<int>(n); }
  using actor = troupe::actor<counter, &counter::action>;
};

void f(troupe::registry& r) { r.use<counter>("counter"); }
