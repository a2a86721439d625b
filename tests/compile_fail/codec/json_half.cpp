// expect: troupe: this type cannot be stored: of to_json and from_json for nlohmann/json it has only one
#include <troupe/json.hpp>

#include <troupe/codec/codec.hpp>

struct state {
  int a = 0;
};
inline void to_json(nlohmann::json&, const state&) {}

int main() { static_cast<void>(troupe::encode(state{})); }
