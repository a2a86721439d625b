// expect: troupe: this type cannot be stored: its fields cannot be listed
#include <troupe/codec/codec.hpp>

class secret {
 public:
  secret() {}

 private:
  int value_ = 0;
};
struct state {
  secret hidden;
};

int main() { static_cast<void>(troupe::encode(state{})); }
