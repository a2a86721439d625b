// expect: troupe: connect takes one value, of the type that the actor's on_before_connect and create_connection_state take, or one that converts to it implicitly, or its members
#include <troupe/troupe.hpp>

struct room {
  int count = 0;
  void on_before_connect(troupe::context<room>&, const std::string&) {}
  using actor = troupe::actor<room>;
};

auto f(troupe::handle<room> h) { return h.connect(); }
