// expect: troupe: this actor's on_create takes no input
#include <troupe/troupe.hpp>

struct thing {
  void on_create(troupe::context<thing>&, int) {}
  using actor = troupe::actor<thing>;
};
struct simple {
  using actor = troupe::actor<simple>;
};

auto f(const troupe::client& c) { return c.get_or_create<simple>("x", 5); }
