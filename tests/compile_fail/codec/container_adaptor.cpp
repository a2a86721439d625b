// expect: troupe: this type cannot be stored: it is a container adaptor, which does not show its elements
#include <stack>

#include <troupe/codec/codec.hpp>

struct state {
  std::stack<int> calls;
};

int main() { static_cast<void>(troupe::encode(state{})); }
