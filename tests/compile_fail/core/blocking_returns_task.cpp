// expect: troupe: blocking takes a plain function; a task is awaited as it is
#include <troupe/core/blocking.hpp>

troupe::task<int> slowly();
troupe::task<> f() { co_await troupe::blocking(slowly); }
