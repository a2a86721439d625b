// expect: troupe: this type cannot be read back: it holds a const value, which cannot be read into
#include <map>
#include <string>

#include <troupe/codec/codec.hpp>

struct state {
  std::map<std::string, const int> limits;
};

int main() { static_cast<void>(troupe::decode<state>({})); }
