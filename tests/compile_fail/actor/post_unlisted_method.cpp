// expect: troupe: this method is not in the actor's manifest
#include <troupe/troupe.hpp>

struct counter {
  int count = 0;
  int add(int n) { return count += n; }
  int secret() { return count; }
  using actor = troupe::actor<counter, &counter::add>;
};

void f(troupe::handle<counter> h) { h.post<&counter::secret>(); }
