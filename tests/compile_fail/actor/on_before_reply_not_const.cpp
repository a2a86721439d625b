// expect: troupe: on_before_reply is `void on_before_reply(troupe::context<Self>&, std::string_view action, value& reply) const`
#include <string_view>

#include <troupe/troupe.hpp>

struct desk {
  int number() const { return 7; }
  void on_before_reply(troupe::context<desk>&, std::string_view, int& reply) { ++reply; }
  using actor = troupe::actor<desk, &desk::number>;
};

int main() {
  troupe::registry registry;
  registry.use<desk>("desk");
}
