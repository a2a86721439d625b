// expect: troupe: blocking(f, arguments...) calls f with copies of the arguments, which it must take
#include <string>

#include <troupe/core/blocking.hpp>

int length(std::string& text);
troupe::task<int> f(std::string text) { co_return co_await troupe::blocking(length, text); }
