// expect: troupe: this type cannot be stored: the fields of a struct with a base class cannot be listed
#include <string>
#include <vector>

#include <troupe/codec/codec.hpp>

struct labelled : std::vector<int> {
  std::string label;
};
struct state {
  labelled numbers;
};

int main() { static_cast<void>(troupe::encode(state{})); }
