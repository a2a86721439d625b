// expect: troupe: these are not the values that the event carries
#include <troupe/troupe.hpp>

struct room {
  static constexpr troupe::event<"said", std::string> said{};
  int count = 0;
  void on_connect(troupe::context<room>&, troupe::peer<room> p) { p.send(said); }
  using actor = troupe::actor<room, said>;
};

void f(troupe::registry& r) { r.use<room>("room"); }
