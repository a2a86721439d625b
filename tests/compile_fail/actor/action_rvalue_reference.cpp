// expect: troupe: an action cannot take an rvalue reference; take a value
#include <troupe/troupe.hpp>

struct counter {
  int count = 0;
  void action(std::string&& name) { count += static_cast<int>(name.size()); }
  using actor = troupe::actor<counter, &counter::action>;
};

void f(troupe::registry& r) { r.use<counter>("counter"); }
