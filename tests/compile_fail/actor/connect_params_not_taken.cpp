// expect: troupe: connections of this actor bring nothing; give its on_before_connect or create_connection_state a parameter for it
#include <troupe/troupe.hpp>

struct room {
  int count = 0;
  using actor = troupe::actor<room>;
};

auto f(troupe::handle<room> h) { return h.connect(42); }
