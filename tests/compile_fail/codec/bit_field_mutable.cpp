// expect: troupe: this type cannot be stored: it has a bit-field, which nothing can refer to
#include <troupe/codec/codec.hpp>

struct state {
  int id = 0;
  mutable unsigned flags : 3 = 0;
};

int main() { static_cast<void>(troupe::decode<state>({})); }
