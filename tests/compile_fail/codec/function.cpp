// expect: troupe: this type cannot be stored: it is a pointer
#include <troupe/codec/codec.hpp>

struct state {
  void (*then)() = nullptr;
};

int main() { static_cast<void>(troupe::encode(state{})); }
