// expect: troupe: this g++ destroys a temporary aggregate, or a lambda with captures, twice in an awaited expression.
// where: defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#include <string>

#include <troupe/core/blocking.hpp>

troupe::task<int> f(std::string text) {
  co_return co_await troupe::blocking([text] { return static_cast<int>(text.size()); });
}
