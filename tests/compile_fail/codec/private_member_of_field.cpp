// expect: troupe: this type cannot be stored: its fields cannot be listed
// expect: a member that need not be stored is a troupe::transient<T>
#include <mutex>

#include <troupe/codec/codec.hpp>

struct state {
  int id = 0;
  std::mutex lock;
};

int main() { troupe::cbor_writer* out = nullptr; troupe::write(*out, state{}); }
