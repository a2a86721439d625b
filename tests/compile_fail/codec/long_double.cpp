// expect: troupe: this type cannot be stored: long double differs between machines
#include <troupe/codec/codec.hpp>

struct state {
  long double exact = 0;
};

int main() { static_cast<void>(troupe::encode(state{})); }
