// expect: troupe: this type cannot be stored: nothing tells which member of a union is the live one
#include <troupe/codec/codec.hpp>

union either {
  int a;
  float b;
};

int main() { static_cast<void>(troupe::encode(either{})); }
