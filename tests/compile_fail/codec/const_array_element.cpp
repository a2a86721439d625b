// expect: troupe: this type cannot be read back: it holds a const value, which cannot be read into
#include <array>

#include <troupe/codec/codec.hpp>

struct state {
  std::array<const int, 2> ends{};
};

int main() { static_cast<void>(troupe::decode<state>({})); }
