// expect: troupe: this type cannot be stored: it has a member that is a union, and nothing tells which member of a union is the live one
#include <troupe/codec/codec.hpp>

union either {
  int number = 0;
  float real;
};
struct state {
  int id = 0;
  either value;
};

int main() { static_cast<void>(troupe::encode(state{})); }
