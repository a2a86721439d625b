// expect: include <troupe/json.hpp>
#include <vector>

#include <nlohmann/json.hpp>

#include <troupe/codec/codec.hpp>

struct holder {
  std::vector<nlohmann::json> notes;
};

int main() { static_cast<void>(troupe::encode(holder{})); }
