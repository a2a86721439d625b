// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <troupe/core/timer.hpp>
#include <troupe/core/work.hpp>

namespace troupe {
inline namespace v0 {
namespace detail {

template <auto F>
struct member_owner;
template <class T, void (T::*F)() noexcept>
struct member_owner<F> {
  using type = T;
};

/// A member function as a piece of work: `member_work<&committer::step> job_{*this};`
template <auto F>
class member_work final : public work {
  using owner = typename member_owner<F>::type;

 public:
  explicit member_work(owner& o) noexcept : work{&member_work::start}, owner_{o} {}

 private:
  static void start(work& w) noexcept { (static_cast<member_work&>(w).owner_.*F)(); }

  owner& owner_;
};

/// The same as a timer, which calls it when it rings. Then it may do only what `timer` allows.
template <auto F>
class member_timer final : public timer {
  using owner = typename member_owner<F>::type;

 public:
  explicit member_timer(owner& o) noexcept : timer{&member_timer::ring}, owner_{o} {}

 private:
  static void ring(timer& t) noexcept { (static_cast<member_timer&>(t).owner_.*F)(); }

  owner& owner_;
};

}  // namespace detail
}  // namespace v0
}  // namespace troupe
