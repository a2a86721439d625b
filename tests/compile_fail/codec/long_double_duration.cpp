// expect: troupe: this type cannot be stored: long double differs between machines
#include <chrono>

#include <troupe/codec/codec.hpp>

struct state {
  std::chrono::duration<long double> elapsed{};
};

int main() { static_cast<void>(troupe::encode(state{})); }
