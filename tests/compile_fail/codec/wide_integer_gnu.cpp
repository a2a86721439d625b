// expect: troupe: this type cannot be stored: it is an integer of more than 64 bits
#include <troupe/codec/codec.hpp>

struct state {
  __int128 number = 0;
};

int main() { static_cast<void>(troupe::encode(state{})); }
