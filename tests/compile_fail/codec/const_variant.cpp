// expect: troupe: this type cannot be read back: it holds a const value, which cannot be read into
#include <variant>

#include <troupe/codec/codec.hpp>

struct state {
  std::variant<int, const bool> either;
};

int main() { static_cast<void>(troupe::decode<state>({})); }
