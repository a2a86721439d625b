// expect: troupe: two actions, events or queues of the manifest have one name; give one another name, an action with troupe::named<...>
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  static constexpr troupe::event<"changed", int> changed{};
  static constexpr troupe::event<"changed", std::string> renamed{};
  using actor = troupe::actor<thing, changed, renamed>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
