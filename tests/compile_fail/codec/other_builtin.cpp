// expect: troupe: this type cannot be stored: it is a built-in type that has no form in CBOR
#include <troupe/codec/codec.hpp>

__extension__ typedef __float128 wide;
struct state {
  wide number = 0;
};

int main() { static_cast<void>(troupe::encode(state{})); }
