// expect: troupe: this type cannot be stored: it has no default value
#include <troupe/codec/codec.hpp>

struct state {
  int& count;
};

int main() { static_cast<void>(troupe::decode<state>({})); }
