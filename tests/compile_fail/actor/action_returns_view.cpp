// expect: troupe: an action cannot return a string_view or span, they would outlive what they show; return a string or vector
#include <troupe/troupe.hpp>

struct counter {
  int count = 0;
  std::string_view action() const { return "count"; }
  using actor = troupe::actor<counter, &counter::action>;
};

void f(troupe::registry& r) { r.use<counter>("counter"); }
