// expect: troupe: this type cannot be stored: it is a pointer that is shared
#include <memory>

#include <troupe/codec/codec.hpp>

struct state {
  std::shared_ptr<int> shared;
};

int main() { static_cast<void>(troupe::encode(state{})); }
