// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <troupe/troupe.hpp>

using namespace std::chrono_literals;

namespace behaviour {

/// "group.code" of a troupe error, the text of any other, "" for none.
std::string code_of(const std::exception_ptr& failure);

/// The failure that `f` throws, if it does.
template <class F>
std::exception_ptr failure_of(F&& f) {
  try {
    f();
  } catch (...) {
    return std::current_exception();
  }
  return nullptr;
}

template <class F>
std::string code_when(F&& f) {
  return code_of(failure_of(std::forward<F>(f)));
}

std::string text_of(const std::exception_ptr& failure);

/// What became of something that the test started and does not wait for.
template <class T>
class outcome {
 public:
  [[nodiscard]] bool done() const { return shared_->done; }
  [[nodiscard]] const T& value() const { return shared_->value.value(); }
  [[nodiscard]] std::string code() const { return code_of(shared_->failure); }
  [[nodiscard]] std::string text() const { return text_of(shared_->failure); }
  [[nodiscard]] bool failed() const { return shared_->failure != nullptr; }

  template <class A>
  static troupe::task<> watch(A awaitable, outcome out) {
    try {
      if constexpr (std::is_same_v<T, std::monostate>) {
        co_await std::move(awaitable);
        out.shared_->value.emplace();
      } else {
        auto value = co_await std::move(awaitable);
        out.shared_->value.emplace(std::move(value));
      }
    } catch (...) {
      out.shared_->failure = std::current_exception();
    }
    out.shared_->done = true;
  }

 private:
  struct shared {
    bool done = false;
    std::optional<T> value;
    std::exception_ptr failure;
  };
  std::shared_ptr<shared> shared_ = std::make_shared<shared>();
};

/// A runtime on one thread and on virtual time: everything happens in a fixed order, when the test says so.
class world {
 public:
  explicit world(const troupe::registry& served);
  world(const troupe::registry& served, troupe::store_factory store);
  world(const troupe::registry& served, troupe::runtime_options options);
  ~world();

  /// Waits for a call or task.
  template <class A>
  auto run(A awaitable) {
    return runtime.run(std::move(awaitable));
  }

  /// The error code of a call that is waited for; "" if it succeeds.
  template <class A>
  std::string code(A awaitable) {
    return code_when([&] { static_cast<void>(runtime.run(std::move(awaitable))); });
  }

  /// Begins a call or task, and runs until nothing is left to do without time passing.
  template <class A>
  auto start(A awaitable) {
    outcome<troupe::detail::join_value<troupe::detail::await_result<A>>> out;
    runtime.spawn(out.watch(std::move(awaitable), out));
    settle();
    return out;
  }

  void settle();

  /// Lets time pass from timer to timer.
  void pass(std::chrono::nanoseconds duration);

  template <class H>
  troupe::actor_status::phase phase(const H& h) {
    return runtime.run(h.status()).state;
  }
  template <class H>
  std::string reason(const H& h) {
    return runtime.run(h.status()).reason;
  }

  std::shared_ptr<troupe::manual_clock> clock = std::make_shared<troupe::manual_clock>();
  std::shared_ptr<troupe::manual_executor> executor =
      std::make_shared<troupe::manual_executor>(clock, troupe::manual_executor::options{.io_thread = false});
  std::vector<std::string> errors;  ///< what the error handler heard: "where: group.code"
  std::vector<std::string> log;
  troupe::runtime runtime;
  troupe::client client;

 private:
  troupe::runtime_options complete(troupe::runtime_options options);
};

using phase = troupe::actor_status::phase;

}  // namespace behaviour
