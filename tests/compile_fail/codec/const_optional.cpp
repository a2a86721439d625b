// expect: troupe: this type cannot be read back: it holds a const value, which cannot be read into
#include <optional>

#include <troupe/codec/codec.hpp>

struct state {
  std::optional<const int> limit;
};

int main() { static_cast<void>(troupe::decode<state>({})); }
