// SPDX-License-Identifier: Apache-2.0
// What a call can fail with, and who sees what. Throw `user_error` for what the caller should know and can act on; let
// any other exception be what it is, a bug or a broken dependency. A failed action does not undo what it has changed:
// check first, change afterwards.

#include <troupe/troupe.hpp>

#include <memory>
#include <stdexcept>
#include <stop_token>

#include "support.hpp"

using namespace std::chrono_literals;

// [stall]
struct fruit_stall {
  int apples = 2;

  int buy(int wanted) {
    if (wanted > apples) {
      throw troupe::user_error{"out_of_stock", "Not enough apples left", R"({"left": )" + std::to_string(apples) + "}"};
    }
    return apples -= wanted;
  }
  void crash() { throw std::runtime_error{"the scale is broken"}; }
  troupe::task<> wait_for_delivery(troupe::context<fruit_stall>& c) {
    const auto stop = c.stop_token();  // triggered when the caller has given up, and when the actor shuts down
    while (!stop.stop_requested()) {
      co_await troupe::delay(1s);
    }
  }

  using actor = troupe::actor<fruit_stall, &fruit_stall::buy, &fruit_stall::crash, &fruit_stall::wait_for_delivery>;
};
// [/stall]

troupe::task<> user_errors(troupe::handle<fruit_stall> stall) {
  // [catch]
  std::string said;
  try {
    co_await stall.call<&fruit_stall::buy>(3);
  } catch (const troupe::user_error& e) {
    said = e.what();  // troupe: user.out_of_stock: Not enough apples left {"left": 2}
  }
  // [/catch]
  check(said == R"(troupe: user.out_of_stock: Not enough apples left {"left": 2})");

  // Inside the process, any exception arrives as it was thrown.
  bool original = false;
  try {
    co_await stall.call<&fruit_stall::crash>();
  } catch (const std::runtime_error& e) {
    original = std::string{e.what()} == "the scale is broken";
  }
  check(original);
}

troupe::task<> missing(troupe::client client) {
  // [missing]
  bool missing = false;
  try {
    co_await client.get<fruit_stall>("nowhere").call<&fruit_stall::buy>(1);
  } catch (const troupe::error& e) {
    missing = e.is(troupe::errc::not_found);
  }
  // [/missing]
  check(missing);
}

troupe::task<> impatient(troupe::handle<fruit_stall> stall, std::string& code) {
  // [timeout]
  auto soon = stall.with(troupe::timeout{2s});
  try {
    co_await soon.call<&fruit_stall::wait_for_delivery>();
  } catch (const troupe::error& e) {
    code = e.code();  // action_timed_out: the caller has given up, and the action's stop token says so
  }
  // [/timeout]
}

troupe::task<> stoppable(troupe::handle<fruit_stall> stall, std::stop_token stop, std::string& code) {
  // [stop]
  auto until_stopped = stall.with(stop);
  try {
    co_await until_stopped.call<&fruit_stall::wait_for_delivery>();
  } catch (const troupe::error& e) {
    code = e.code();  // aborted
  }
  // [/stop]
}

int main() {
  const auto clock = std::make_shared<troupe::manual_clock>();
  const auto executor =
      std::make_shared<troupe::manual_executor>(clock, troupe::manual_executor::options{.io_thread = false});
  troupe::registry registry;
  registry.use<fruit_stall>("fruitStall");

  // [on_error]
  troupe::runtime_options options;
  options.executor = executor;
  std::string heard;
  options.on_error = [&](const std::exception_ptr& failure, std::string_view where) {
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& e) {
      heard = std::string{where} + ": " + e.what();
    }
  };
  troupe::runtime runtime{registry, options};
  // [/on_error]

  const auto stall = runtime.client().get_or_create<fruit_stall>("market");
  runtime.run(user_errors(stall));
  runtime.run(missing(runtime.client()));

  // [post]
  stall.post<&fruit_stall::crash>();  // nobody waits for the answer
  runtime.poll();
  // [/post]
  check(heard == "crash in fruitStall/market: the scale is broken");

  std::string code;
  runtime.spawn(impatient(stall, code));
  runtime.poll();
  for (int i = 0; i < 4; ++i) {
    clock->advance(1s);
    runtime.poll();
  }
  check(code == "action_timed_out");
  check(runtime.run(stall.status()).running.empty());  // the action has seen it, and ended

  std::stop_source source;
  runtime.spawn(stoppable(stall, source.get_token(), code));
  runtime.poll();
  source.request_stop();
  runtime.poll();
  check(code == "aborted");
  clock->advance(2s);
  runtime.poll();
  return 0;
}
