// expect: troupe: spawn takes a task<>, or a function object that returns one
#include <troupe/troupe.hpp>

void f(troupe::runtime& r) {
  r.spawn([](int) -> troupe::task<> { co_return; });
}
