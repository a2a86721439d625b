// expect: troupe: the object that is given is not one of the type under which it is provided
#include <troupe/troupe.hpp>

struct settings {
  int level = 0;
};

void f(const settings& s) { troupe::services{}.provide<settings>(std::cref(s)); }
