// expect: troupe: this type cannot be stored: it has no default value
#include <vector>

#include <troupe/codec/codec.hpp>

struct item {
  item() = delete;
  explicit item(int) {}
};
template <>
struct troupe::codec<item> {
  static void write(cbor_writer&, const item&) {}
  static void read(cbor_reader&, item&) {}
};

int main() { static_cast<void>(troupe::decode<std::vector<item>>({})); }
