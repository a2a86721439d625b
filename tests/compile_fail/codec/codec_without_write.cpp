// expect: troupe: this type cannot be stored: its troupe::codec<T> lacks
#include <troupe/codec/codec.hpp>

struct state {
  int a = 0;
};
template <>
struct troupe::codec<state> {
  static void write(int) {}
};

int main() { static_cast<void>(troupe::encode(state{})); }
