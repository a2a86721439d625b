// expect: troupe: this type cannot be stored: it is volatile, or has a member that is
#include <troupe/codec/codec.hpp>

struct state {
  int id = 0;
  volatile int device = 0;
};

int main() { static_cast<void>(troupe::encode(state{})); }
