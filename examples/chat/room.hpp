// SPDX-License-Identifier: Apache-2.0
#pragma once

// The chat room. What was said is its durable state; who is here are its connections, which last no longer than the
// program. So after a crash the room is empty, and remembers.

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <troupe/troupe.hpp>

namespace chat {

struct message {
  std::uint64_t number = 0;  // counts from 1, without gaps
  std::string sender, text;
};

/// What a visitor brings.
struct login {
  std::string name;
};

/// What the room knows of each visitor.
struct visitor {
  std::string name;
};

struct chat_room {
  static constexpr troupe::event<"newMessage", message> new_message{};
  static constexpr troupe::event<"joined", std::string> joined{};
  static constexpr troupe::event<"left", std::string> left{};
  static constexpr troupe::event<"renamed", std::string, std::string> renamed{};

  static constexpr std::size_t messages_max = 100;

  std::uint64_t said = 0;
  std::vector<message> messages;  // the newest, oldest first

  void on_before_connect(troupe::context<chat_room>& c, const login& who) { check_name(c, who.name); }
  visitor create_connection_state(troupe::context<chat_room>&, const login& who) { return {who.name}; }
  void on_connect(troupe::context<chat_room>& c, troupe::peer<chat_room> p) { c.broadcast(joined, p.state().name); }
  void on_disconnect(troupe::context<chat_room>& c, troupe::peer<chat_room> p) { c.broadcast(left, p.state().name); }

  // [say]
  void send_message(troupe::context<chat_room>& c, std::string text) {
    messages.push_back(message{++said, caller(c).name, std::move(text)});
    c.broadcast(new_message, messages.back());
    if (messages.size() > messages_max) messages.erase(messages.begin());
  }
  // [/say]
  void rename(troupe::context<chat_room>& c, std::string name) {
    check_name(c, name);
    const std::string before = std::exchange(caller(c).name, name);
    c.broadcast(renamed, before, name);
  }
  std::vector<message> history() const { return messages; }
  std::vector<std::string> who(troupe::context<chat_room>& c) const {
    std::vector<std::string> names;
    for (const auto& p : c.connections()) names.push_back(p.state().name);
    return names;
  }

  using actor = troupe::actor<chat_room, &chat_room::send_message, &chat_room::rename, &chat_room::history,
                              &chat_room::who, new_message, joined, left, renamed>;

 private:
  static visitor& caller(troupe::context<chat_room>& c) {
    const auto p = c.connection();
    if (!p) throw troupe::user_error{"not_here", "Only who is in the room may speak: connect first"};
    return p->state();
  }
  static void check_name(troupe::context<chat_room>& c, std::string_view name) {
    if (name.empty() || name.size() > 24 || name.find(' ') != name.npos) {
      throw troupe::user_error{"bad_name", "A name is one word of at most 24 bytes"};
    }
    const auto here = c.connections();
    if (std::ranges::any_of(here, [&](const auto& p) { return p.state().name == name; })) {
      throw troupe::user_error{"name_taken", std::string{name} + " is here already"};
    }
  }
};

}  // namespace chat
