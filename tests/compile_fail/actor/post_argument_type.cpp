// expect: troupe: an argument does not convert implicitly to the type of the action's parameter
#include <troupe/troupe.hpp>

struct counter {
  int count = 0;
  int add(int n) { return count += n; }
  int secret() { return count; }
  using actor = troupe::actor<counter, &counter::add>;
};

void f(troupe::handle<counter> h) { h.post<&counter::add>("one"); }
