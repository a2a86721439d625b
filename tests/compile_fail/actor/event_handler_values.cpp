// expect: troupe: the handler does not take the values that the event carries, as const references
#include <troupe/troupe.hpp>

struct room {
  static constexpr troupe::event<"said", std::string, int> said{};
  int count = 0;
  using actor = troupe::actor<room, said>;
};

troupe::subscription f(troupe::connection<room>& c) {
  return c.on(room::said, [](const std::string&) {});
}
