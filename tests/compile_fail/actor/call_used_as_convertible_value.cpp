// expect: troupe: a call is not its value: `co_await` it, or on a plain thread say `.get()`
#include <troupe/troupe.hpp>

struct thing {
  std::string text;
  std::string get() const { return text; }
  using actor = troupe::actor<thing, &thing::get>;
};

std::optional<std::string> f(const troupe::client& c) { return c.get<thing>("x").call<&thing::get>(); }
