// expect: troupe: an argument does not convert implicitly to the type of the action's parameter
#include <troupe/troupe.hpp>

struct counter {
  int count = 0;
  int add(int n) { return count += n; }
  int secret() { return count; }
  using actor = troupe::actor<counter, &counter::add>;
};

int f(troupe::handle<counter> h) { return h.call<&counter::add>("one").get(); }
