// expect: troupe: this type cannot be stored: it is an optional of something that can be empty itself
#include <optional>

#include <troupe/codec/codec.hpp>


int main() { static_cast<void>(troupe::encode(std::optional<std::optional<int>>{})); }
