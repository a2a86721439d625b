// expect: troupe: this type cannot be read back: it is a view
#include <span>

#include <troupe/codec/codec.hpp>


int main() { static_cast<void>(troupe::decode<std::span<const int>>({})); }
