// expect: troupe: this type cannot be stored: it is atomic; use the plain value
#include <atomic>

#include <troupe/codec/codec.hpp>

struct state {
  std::atomic<int> count{0};
};

int main() { troupe::cbor_writer* out = nullptr; troupe::write(*out, state{}); }
