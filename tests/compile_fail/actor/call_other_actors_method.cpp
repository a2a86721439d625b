// expect: troupe: this is a method of another actor type than the handle's
#include <troupe/troupe.hpp>

struct counter {
  int count = 0;
  int add(int n) { return count += n; }
  int secret() { return count; }
  using actor = troupe::actor<counter, &counter::add>;
};

struct other {
  int add(int n) { return n; }
  using actor = troupe::actor<other, &other::add>;
};

int f(troupe::handle<counter> h) { return h.call<&other::add>(1).get(); }
