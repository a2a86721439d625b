// expect: troupe: this method is not in the actor's manifest `using actor = troupe::actor<...>`; list it there to make it callable
#include <troupe/troupe.hpp>

struct counter {
  int count = 0;
  int add(int n) { return count += n; }
  int secret() { return count; }
  using actor = troupe::actor<counter, &counter::add>;
};

int f(troupe::handle<counter> h) { return h.call<&counter::secret>().get(); }
