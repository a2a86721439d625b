// expect: troupe: on_before_reply gets to see no reply
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  int get() const { return count; }
  void on_before_reply(troupe::context<thing>&, std::string_view, std::string&) const {}
  using actor = troupe::actor<thing, &thing::get>;
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
