// expect: troupe: this type cannot be stored: it is an integer of more than 64 bits
#include <troupe/codec/codec.hpp>

__extension__ typedef __int128 wide;
struct state {
  wide number = 0;
};

int main() { static_cast<void>(troupe::encode(state{})); }
