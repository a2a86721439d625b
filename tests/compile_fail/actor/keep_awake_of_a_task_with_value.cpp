// expect: troupe: keep_awake takes a task<>, or a function object that returns one
#include <troupe/troupe.hpp>

struct counter {
  int count = 0;
  troupe::task<int> later() { co_return ++count; }
  void begin(troupe::context<counter>& c) { c.keep_awake([this] { return later(); }); }
  using actor = troupe::actor<counter, &counter::begin>;
};

void f(troupe::registry& r) { r.use<counter>("counter"); }
