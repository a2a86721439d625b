// expect: title
#include <optional>
#include <vector>

#include <troupe/codec/codec.hpp>

struct page {
  const char* title = nullptr;
};
struct state {
  std::vector<std::optional<page>> pages;
};

int main() { static_cast<void>(troupe::encode(state{})); }
