// expect: troupe: this type cannot be read back: it holds a const value, which cannot be read into; leave the const out, as in std::pair<K, V> for std::pair<const K, V>
#include <string>
#include <utility>
#include <vector>

#include <troupe/codec/codec.hpp>

struct state {
  std::vector<std::pair<const int, std::string>> names;
};

int main() { static_cast<void>(troupe::decode<state>({})); }
