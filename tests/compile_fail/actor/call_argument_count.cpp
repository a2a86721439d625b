// expect: troupe: wrong number of arguments for this action (the context is not one of them)
#include <troupe/troupe.hpp>

struct counter {
  int count = 0;
  int add(int n) { return count += n; }
  int secret() { return count; }
  using actor = troupe::actor<counter, &counter::add>;
};

int f(troupe::handle<counter> h) { return h.call<&counter::add>(1, 2).get(); }
