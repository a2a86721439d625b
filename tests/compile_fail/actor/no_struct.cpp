// expect: troupe: an actor is a struct
#include <troupe/troupe.hpp>

using thing = int;

void f(troupe::registry& r) { r.use<thing>("thing"); }
