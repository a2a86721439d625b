// expect: troupe: this event is not in the actor's manifest
#include <troupe/troupe.hpp>

struct room {
  static constexpr troupe::event<"said", int> said{};
  int count = 0;
  using actor = troupe::actor<room>;
};

troupe::subscription f(troupe::connection<room>& c) {
  return c.on(room::said, [](int) {});
}
