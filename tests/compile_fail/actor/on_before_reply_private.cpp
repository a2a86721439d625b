// expect: troupe: on_before_reply gets to see no reply: it is private, or takes none of the types that the actions of the manifest return
#include <troupe/troupe.hpp>

struct thing {
  int count = 0;
  int get() const { return count; }
  using actor = troupe::actor<thing, &thing::get>;

 private:
  void on_before_reply(troupe::context<thing>&, std::string_view, int&) const {}
};

void f(troupe::registry& r) { r.use<thing>("thing"); }
