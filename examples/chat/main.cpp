// SPDX-License-Identifier: Apache-2.0
// Chat: one program with one thread serves one user at each terminal it is given. Actors and the terminals share a loop
// around poll(2), so nothing here needs a lock. What a terminal shows is on disk: kill the program at any moment,
// start it again, and everybody finds what they have seen.
//
//     chat DATABASE [TERMINAL...]      a TERMINAL is a device such as /dev/pts/3; without one, the terminal it runs in

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <poll.h>
#include <fmt/format.h>
#include <troupe/troupe.hpp>

#include "room.hpp"
#include "terminal.hpp"

namespace {

using chat::chat_room;
using chat::message;
using chat::terminal;
using membership = troupe::connection<chat_room>;

std::string text_of(const message& m) { return m.sender + ": " + m.text; }

// --- one user -------------------------------------------------------------------------------------------------------

/// Asks for a name until the room takes it. Nothing if the user leaves instead.
troupe::task<std::optional<membership>> join(troupe::handle<chat_room> lobby, terminal& tty) {
  tty.prompt("your name? ");
  for (;;) {
    const auto name = co_await tty.line();
    if (!name) co_return std::nullopt;
    const chat::login who{*name};
    try {
      auto room = co_await lobby.connect(who);
      co_return room;
    } catch (const troupe::error& e) {
      tty.print("* " + e.message());
    }
  }
}

/// Shows what is said after the message with this number, until the connection ends.
troupe::task<> listen(auto messages, std::uint64_t shown, terminal& tty) {
  for (;;) {
    const auto m = co_await messages.next();
    if (!m) break;
    if (m->number > shown) tty.print(text_of(*m));
  }
}

/// Does what the user says, until they leave.
troupe::task<> speak(membership& room, terminal& tty) {
  for (;;) {
    const auto line = co_await tty.line();
    if (!line || *line == "/quit") break;
    try {
      if (*line == "/who") {
        const auto names = co_await room.call<&chat_room::who>();
        tty.print(fmt::format("* here: {}", fmt::join(names, ", ")));
      } else if (line->starts_with("/nick ")) {
        co_await room.call<&chat_room::rename>(line->substr(6));
      } else if (line->starts_with('/')) {
        tty.print("* /who, /nick NAME, /quit");
      } else if (!line->empty()) {
        co_await room.call<&chat_room::send_message>(*line);
      }
    } catch (const troupe::error& e) {
      tty.print("* " + e.message());
    }
  }
  room.close();
}

troupe::task<> talk(membership room, terminal& tty) {
  tty.prompt("> ");
  const auto came = room.on(chat_room::joined, [&](const std::string& name) { tty.print("* " + name + " joined"); });
  const auto went = room.on(chat_room::left, [&](const std::string& name) { tty.print("* " + name + " left"); });
  const auto changed = room.on(chat_room::renamed, [&](const std::string& before, const std::string& now) {
    tty.print("* " + before + " is now " + now);
  });
  const auto ended = room.on_close([&](const std::exception_ptr& why) {
    if (why) tty.print("* " + troupe::to_public_error(why).message());
    tty.hang_up();
  });

  // [follow]
  // First listen, then read: nothing falls between the two, and the numbers tell what is in both.
  auto messages = room.stream(chat_room::new_message);
  const auto history = co_await room.call<&chat_room::history>();
  for (const message& m : history) tty.print(text_of(m));
  const std::uint64_t shown = history.empty() ? 0 : history.back().number;
  co_await troupe::when_all(listen(std::move(messages), shown, tty), speak(room, tty));
  // [/follow]
}

troupe::task<> serve(troupe::handle<chat_room> lobby, terminal& tty) {
  try {
    auto room = co_await join(lobby, tty);
    if (room) {
      co_await talk(std::move(*room), tty);
    }
  } catch (const troupe::error& e) {
    tty.print("* " + e.message());
  }
  tty.hang_up();
}

// --- the loop -------------------------------------------------------------------------------------------------------

/// Waits until a terminal or a timer has something to do.
void wait(std::deque<terminal>& terminals, std::chrono::nanoseconds limit) {
  std::vector<pollfd> watched;
  for (const terminal& t : terminals) {
    const int wanted = (t.wants_input() ? POLLIN : 0) | (t.has_output() ? POLLOUT : 0);
    watched.push_back(pollfd{t.device(), static_cast<short>(wanted), 0});
  }
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(std::clamp<std::chrono::nanoseconds>(
      limit, std::chrono::seconds{0}, std::chrono::hours{1}));
  if (::poll(watched.data(), watched.size(), static_cast<int>(ms.count())) < 0 && errno != EINTR) {
    throw std::system_error(errno, std::generic_category(), "poll");
  }
  for (std::size_t i = 0; i < watched.size(); ++i) {
    if ((watched[i].revents & POLLOUT) != 0) terminals[i].write_some();
    if ((watched[i].revents & ~POLLOUT) != 0 && terminals[i].is_open()) terminals[i].read_some();
  }
}

void run(const char* database, const std::vector<const char*>& devices) {
  std::deque<terminal> terminals;  // before the runtime, which ends the coroutines that use them
  for (const char* device : devices) terminals.emplace_back(device);

  troupe::registry registry;
  registry.use<chat_room>("chatRoom");
  // [loop]
  const auto executor = std::make_shared<troupe::manual_executor>(
      std::make_shared<troupe::system_clock>(), troupe::manual_executor::options{.io_thread = false});
  troupe::runtime runtime{registry, {.store = troupe::sqlite{database}, .executor = executor}};

  const auto lobby = runtime.client().get_or_create<chat_room>("lobby");
  for (terminal& tty : terminals) runtime.spawn(serve(lobby, tty));
  for (;;) {
    runtime.poll();
    if (std::ranges::none_of(terminals, &terminal::is_open)) break;
    wait(terminals, executor->next_deadline() - executor->now());
  }
  // [/loop]
}

}  // namespace

int main(int count, char** arguments) {
  const std::string_view first = count > 1 ? arguments[1] : "";
  if (first.empty() || first == "--help") {
    fmt::print(first.empty() ? stderr : stdout, "usage: chat DATABASE [TERMINAL...]\n");
    return first.empty() ? 2 : 0;
  }
  try {
    std::vector<const char*> devices(arguments + 2, arguments + count);
    if (devices.empty()) devices.push_back("/dev/tty");
    run(arguments[1], devices);
    return 0;
  } catch (const std::exception& e) {
    fmt::print(stderr, "chat: {}\n", e.what());
    return 1;
  }
}
