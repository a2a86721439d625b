// expect: troupe: this type cannot be stored: troupe::transient is for data members
#include <vector>

#include <troupe/codec/codec.hpp>

struct state {
  std::vector<troupe::transient<int>> cached;
};

int main() { static_cast<void>(troupe::encode(state{})); }
