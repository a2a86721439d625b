// expect: troupe: a coroutine action may outlive its caller's arguments; take them by value, not as a reference, string_view or span
#include <troupe/troupe.hpp>

struct counter {
  int count = 0;
  troupe::task<> action(std::string_view name) { count += static_cast<int>(name.size()); co_return; }
  using actor = troupe::actor<counter, &counter::action>;
};

void f(troupe::registry& r) { r.use<counter>("counter"); }
