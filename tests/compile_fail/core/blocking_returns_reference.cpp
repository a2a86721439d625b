// expect: troupe: a blocking function returns a value: a reference would leave its thread
#include <string>

#include <troupe/core/blocking.hpp>

std::string& text();
troupe::task<> f() { co_await troupe::blocking(text); }
