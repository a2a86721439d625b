// SPDX-License-Identifier: Apache-2.0
// Coordinator and data actors: a small actor that knows which data actors there are, and creates and removes them. Use
// it when "which ones exist" has rules or an owner of its own, as the rooms of one lobby; to merely list all actors of
// a type, `client.list` needs no coordinator. Traffic goes to the data actors directly, never through the coordinator.

#include <troupe/troupe.hpp>

#include <algorithm>
#include <vector>

#include "support.hpp"

// [room]
struct message {
  std::string sender, text;
};

struct chat_room {
  std::vector<message> messages;

  std::size_t send_message(std::string sender, std::string text) {
    messages.push_back(message{std::move(sender), std::move(text)});
    return messages.size();
  }
  std::vector<message> history() const { return messages; }
  void close(troupe::context<chat_room>& c) { c.destroy(); }

  using actor = troupe::actor<chat_room, &chat_room::send_message, &chat_room::history, &chat_room::close>;
};
// [/room]

// [list]
struct chat_room_list {
  std::vector<troupe::actor_id> rooms;

  troupe::task<troupe::actor_id> create_room(troupe::context<chat_room_list>& c, std::string name) {
    auto room = co_await c.client().create<chat_room>(name);
    auto id = co_await room.resolve();
    rooms.push_back(id);
    co_return id;
  }

  troupe::task<> close_room(troupe::context<chat_room_list>& c, troupe::actor_id id) {
    if (std::erase(rooms, id) == 0) throw troupe::user_error{"no_such_room", "The lobby has no such room"};
    co_await c.client().get_for_id<chat_room>(id).call<&chat_room::close>();
  }

  std::vector<troupe::actor_id> list() const { return rooms; }

  using actor = troupe::actor<chat_room_list, &chat_room_list::create_room, &chat_room_list::close_room,
                              &chat_room_list::list>;
};
// [/list]

troupe::task<> use(troupe::client client) {
  // [use]
  auto lobby = client.get_or_create<chat_room_list>("main");
  auto id = co_await lobby.call<&chat_room_list::create_room>("general");
  auto room = client.get_for_id<chat_room>(id);
  co_await room.call<&chat_room::send_message>("alice", "Hello!");
  const auto history = co_await room.call<&chat_room::history>();
  // [/use]
  check(history.size() == 1 && history.front().sender == "alice");

  // The name is taken: the room's error reaches the lobby's caller, and the lobby has not changed.
  bool taken = false;
  try {
    co_await lobby.call<&chat_room_list::create_room>("general");
  } catch (const troupe::error& e) {
    taken = e.is(troupe::errc::duplicate_key);
  }
  check(taken);
  auto rooms = co_await lobby.call<&chat_room_list::list>();
  check(rooms == std::vector{id});

  co_await lobby.call<&chat_room_list::close_room>(id);
  rooms = co_await lobby.call<&chat_room_list::list>();
  check(rooms.empty());
}

int main() {
  troupe::registry registry;
  registry.use<chat_room>("chatRoom");
  registry.use<chat_room_list>("chatRoomList");
  troupe::runtime runtime{registry};
  runtime.run(use(runtime.client()));
  return 0;
}
