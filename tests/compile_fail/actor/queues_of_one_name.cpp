// expect: troupe: two actions, events or queues of the manifest have one name; give one another name, an action with troupe::named<...>
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  static constexpr troupe::queue<"work", int> work{};
  static constexpr troupe::queue<"work", std::string> more{};
  using actor = troupe::actor<thing, work, more>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
