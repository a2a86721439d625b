// expect: troupe: this type cannot be read back: it is a view
#include <string_view>

#include <troupe/codec/codec.hpp>

struct state {
  std::string_view name;
};

int main() { static_cast<void>(troupe::decode<state>({})); }
