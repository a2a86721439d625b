// expect: troupe: wait_until takes a task<>, or a function object that returns one
#include <troupe/troupe.hpp>

struct counter {
  int count = 0;
  void begin(troupe::context<counter>& c) {
    c.wait_until([this] { return ++count; });
  }
  using actor = troupe::actor<counter, &counter::begin>;
};

void f(troupe::registry& r) { r.use<counter>("counter"); }
