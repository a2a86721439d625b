// expect: troupe: this type cannot be stored: it has a member that is a union, and nothing tells which member of a union is the live one
#include <troupe/codec/codec.hpp>

struct state {
  int id = 0;
  union {
    int number = 0;
    float real;
  };
};

int main() { static_cast<void>(troupe::encode(state{})); }
