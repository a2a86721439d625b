// expect: troupe: this type cannot be stored: it is a std::unique_ptr with a deleter of its own
#include <memory>

#include <troupe/codec/codec.hpp>

struct closing {
  void operator()(int* p) const { delete p; }
};
struct state {
  std::unique_ptr<int, closing> number;
};

int main() { static_cast<void>(troupe::encode(state{})); }
