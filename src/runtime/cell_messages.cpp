#include "cell_messages.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

struct cell_order final : work {
  using handler = void (*)(cell&) noexcept;
  cell_order(cell& c, handler h) noexcept : work{&cell_order::deliver}, target{c}, obey{h} {}
  static void deliver(work& w) noexcept {
    auto* const self = static_cast<cell_order*>(&w);
    cell& c = self->target;
    const auto obey = self->obey;
    delete self;
    obey(c);
    c.release();  // not the last: an actor that is awake keeps its cell
  }
  cell& target;
  handler obey;
};

}  // namespace

void order(cell& c, void (*obey)(cell&) noexcept) {
  c.retain();
  c.push(*new cell_order{c, obey});
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
