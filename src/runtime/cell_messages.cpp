// SPDX-License-Identifier: Apache-2.0
#include "cell_messages.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

struct cell_command final : work {
  using handler = void (*)(cell&) noexcept;
  cell_command(cell& c, handler h) noexcept : work{&cell_command::deliver}, target{c}, run_command{h} {}
  static void deliver(work& w) noexcept {
    auto* const self = static_cast<cell_command*>(&w);
    cell& c = self->target;
    const auto run_command = self->run_command;
    delete self;
    run_command(c);
    c.release();  // not the last: an actor that is awake keeps its cell
  }
  cell& target;
  handler run_command;
};

}  // namespace

void send_command(cell& c, void (*run_command)(cell&) noexcept) {
  c.retain();
  c.push(*new cell_command{c, run_command});
}

}  // namespace detail
}  // namespace v0
}  // namespace troupe
