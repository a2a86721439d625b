// expect: troupe: this type cannot be stored: time points of a steady clock
#include <chrono>

#include <troupe/codec/codec.hpp>

struct state {
  std::chrono::steady_clock::time_point due;
};

int main() { static_cast<void>(troupe::encode(state{})); }
