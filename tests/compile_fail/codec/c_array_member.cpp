// expect: troupe: this type cannot be stored: it has a member that is a C array
#include <troupe/codec/codec.hpp>

struct state {
  int id = 0;
  char name[16] = {};
};

int main() { static_cast<void>(troupe::encode(state{})); }
