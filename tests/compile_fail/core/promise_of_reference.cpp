// expect: troupe: a promise is of a type that can be moved, or of void; for a reference, of a pointer
#include <troupe/core/promise.hpp>

troupe::promise<int&> p;
