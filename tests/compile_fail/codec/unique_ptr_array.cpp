// expect: troupe: this type cannot be stored: it owns an array and does not know how long that is; use std::vector
#include <memory>

#include <troupe/codec/codec.hpp>

struct state {
  std::unique_ptr<int[]> numbers;
};

int main() { static_cast<void>(troupe::encode(state{})); }
