// expect: troupe: an action cannot take a span; take a vector
#include <troupe/troupe.hpp>

struct counter {
  int count = 0;
  void action(std::span<const int> all) { count += static_cast<int>(all.size()); }
  using actor = troupe::actor<counter, &counter::action>;
};

void f(troupe::registry& r) { r.use<counter>("counter"); }
