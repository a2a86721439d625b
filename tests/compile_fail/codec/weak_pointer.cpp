// expect: troupe: this type cannot be stored: it is a pointer that is shared or has rules of its own
#include <memory>

#include <troupe/codec/codec.hpp>

struct state {
  std::weak_ptr<int> number;
};

int main() { static_cast<void>(troupe::encode(state{})); }
