// expect: troupe: this type cannot be stored: it is a pointer
#include <troupe/codec/codec.hpp>

struct state {
  int count = 0;
  const char* title = nullptr;
};

int main() { static_cast<void>(troupe::encode(state{})); }
