// expect: troupe: call<...> names a member function: call<&counter::increment>(...)
#include <troupe/troupe.hpp>

struct counter {
  int count = 0;
  int add(int n) { return count += n; }
  int secret() { return count; }
  using actor = troupe::actor<counter, &counter::add>;
};

int f(troupe::handle<counter> h) { return h.call<&counter::count>().get(); }
