// expect: include <troupe/json.hpp>
#include <nlohmann/json_fwd.hpp>

#include <troupe/codec/codec.hpp>

struct state {
  int a = 0;
};
void to_json(nlohmann::json&, const state&);
void from_json(const nlohmann::json&, state&);

int main() { static_cast<void>(troupe::encode(state{})); }
