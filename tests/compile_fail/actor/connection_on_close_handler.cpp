// expect: troupe: on_close takes a function of const std::exception_ptr&
#include <troupe/troupe.hpp>

struct room {
  int count = 0;
  using actor = troupe::actor<room>;
};

troupe::subscription f(troupe::connection<room>& c) {
  return c.on_close([](int) {});
}
