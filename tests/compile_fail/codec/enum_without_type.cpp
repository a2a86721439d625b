// expect: troupe: this type cannot be read back: it is an enum without a fixed underlying type, where an unknown value is undefined behaviour; declare it as `enum name : int`, or list its values in troupe::enum_values<T>
#include <troupe/codec/codec.hpp>

enum colour { red, green };
struct state {
  colour hue = red;
};

int main() { static_cast<void>(troupe::decode<state>({})); }
