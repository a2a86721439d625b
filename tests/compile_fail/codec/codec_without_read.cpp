// expect: troupe: this type cannot be read back: its troupe::codec<T> lacks
#include <troupe/codec/codec.hpp>

struct state {
  int a = 0;
};
template <>
struct troupe::codec<state> {
  static void write(cbor_writer&, const state&) {}
};

int main() { static_cast<void>(troupe::decode<state>({})); }
