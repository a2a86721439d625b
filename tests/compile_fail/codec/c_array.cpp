// expect: troupe: this type cannot be stored: it is a C array
#include <troupe/codec/codec.hpp>


int main() { static_cast<void>(troupe::encode("text")); }
