// expect: troupe: this type cannot be read back: it is the type of a const member, which cannot be read into
// expect: limit
#include <troupe/codec/codec.hpp>

struct state {
  int id = 0;
  const int limit = 5;
};

int main() { static_cast<void>(troupe::decode<state>({})); }
