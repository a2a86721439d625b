// expect: troupe: a queue needs a name
#include <troupe/troupe.hpp>

struct worker {
  static constexpr troupe::queue<"", int> work{};
  using actor = troupe::actor<worker, work>;
};
