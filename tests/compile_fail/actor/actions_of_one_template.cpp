// expect: troupe: two actions, events or queues of the manifest have one name; give one another name, an action with troupe::named<...>
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  template <class T>
  void put(T value) {
    count = static_cast<int>(value);
  }
  using actor = troupe::actor<thing, &thing::put<int>, &thing::put<double>>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
