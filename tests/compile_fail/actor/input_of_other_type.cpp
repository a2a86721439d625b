// expect: troupe: the input does not convert implicitly to what the actor's on_create takes
#include <troupe/troupe.hpp>

struct thing {
  void on_create(troupe::context<thing>&, int) {}
  using actor = troupe::actor<thing>;
};
struct simple {
  using actor = troupe::actor<simple>;
};

auto f(const troupe::client& c) { return c.create<thing>("x", "five"); }
