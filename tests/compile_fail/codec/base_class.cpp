// expect: troupe: this type cannot be stored: the fields of a struct with a base class cannot be listed
#include <troupe/codec/codec.hpp>

struct base {
  int id = 0;
};
struct state : base {
  int count = 0;
};

int main() { static_cast<void>(troupe::encode(state{})); }
