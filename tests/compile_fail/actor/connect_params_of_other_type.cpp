// expect: troupe: connect takes one value, of the type that the actor's on_before_connect and create_connection_state take, or one that converts to it implicitly, or its members
#include <troupe/troupe.hpp>

struct room {
  int count = 0;
  int create_connection_state(troupe::context<room>&, const std::string&) { return 1; }
  using actor = troupe::actor<room>;
};

auto f(troupe::handle<room> h) { return h.connect(42); }
