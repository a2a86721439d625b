// expect: troupe: a queue carries values, not references or pointers
#include <troupe/troupe.hpp>

struct worker {
  static constexpr troupe::queue<"work", const char*> work{};
  using actor = troupe::actor<worker, work>;
};
