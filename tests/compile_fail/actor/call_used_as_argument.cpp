// expect: troupe: a call is not its value: `co_await` it, or on a plain thread say `.get()`
#include <troupe/troupe.hpp>

struct thing {
  std::string text;
  std::string get() const { return text; }
  using actor = troupe::actor<thing, &thing::get>;
};

void g(const std::string&);
void f(const troupe::client& c) { g(c.get<thing>("x").call<&thing::get>()); }
