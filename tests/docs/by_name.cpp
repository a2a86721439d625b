// SPDX-License-Identifier: Apache-2.0
// The snippets of docs/by-name.md, each with a check.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <troupe/codec/error_record.hpp>
#include <troupe/codec/json_text.hpp>
#include <troupe/troupe.hpp>

#include "../../examples/support.hpp"

using texts = std::vector<std::string>;

struct chat_room {
  struct founding {
    std::string topic;
  };
  struct guest {
    std::string name;
  };
  static constexpr troupe::event<"newMessage", std::string, std::string> new_message{};
  static constexpr troupe::queue<"digests", std::string, std::uint64_t> digests{};

  std::string topic;
  std::uint64_t count = 0;

  void on_create(troupe::context<chat_room>&, founding f) { topic = f.topic; }
  void on_before_connect(troupe::context<chat_room>&, const guest& g) {
    if (g.name.empty()) throw troupe::user_error{"no_name", "Who are you?"};
  }
  std::uint64_t say(troupe::context<chat_room>& c, std::string who, std::string text) {
    c.broadcast(new_message, who, text);
    return ++count;
  }
  std::uint64_t write_digest(troupe::context<chat_room>&, std::string) const { return count; }

  using actor = troupe::actor<chat_room, &chat_room::say, new_message,
                              troupe::consumes<digests, &chat_room::write_digest>>;
};

troupe::task<> use(troupe::client client) {
  // [open]
  const auto input = troupe::from_json(R"({"topic": "trees"})");
  const auto lobby = client.open_or_create("chatRoom", "lobby", input);  // on first use
  const troupe::tags labels{{"kind", "public"}};
  const auto general = co_await client.create("chatRoom", "general", input, labels);
  const auto known = client.open("chatRoom", "lobby");  // must exist
  const auto id = co_await general.resolve();
  const auto by_id = client.open("chatRoom", id);
  // [/open]

  // [use]
  const std::string count = co_await lobby.call("say", R"(["ann", "hello"])");  // "1"
  const auto arguments = troupe::encode(std::vector<std::string>{"ben", "hi"});
  const troupe::bytes coded = co_await lobby.call("say", arguments);
  lobby.post("say", R"(["cy", "bye"])");
  co_await lobby.send("digests", R"("daily")");
  const auto answer = co_await lobby.send_and_wait("digests", R"("weekly")");  // an optional: "3"
  // [/use]
  check(count == "1" && troupe::decode<int>(coded) == 2 && answer == "3");
  const auto one = co_await known.status();
  const auto other = co_await by_id.status();
  check(one.state == troupe::actor_status::phase::awake && other.id == id);

  texts shown;
  // [connect]
  auto visit = co_await lobby.connect(troupe::from_json(R"({"name": "dan"})"));
  auto heard = visit.on("newMessage", [&](troupe::bytes_view values) {
    shown.push_back(troupe::to_json(values));  // ["dan","hello"]
  });
  auto coming = visit.next("newMessage");
  co_await visit.call("say", R"(["dan", "hello"])");
  const troupe::bytes first = co_await std::move(coming);
  // [/connect]
  check(troupe::to_json(first) == R"(["dan","hello"])");
  heard.reset();

  std::string answer_text;
  // [errors]
  try {
    co_await lobby.call("sing", "[]");
  } catch (const troupe::error&) {
    // There is no such action: the message names it, and those that there are. To send it elsewhere:
    const auto record = troupe::error_record::of(std::current_exception());
    answer_text = record.group + "." + record.code;  // "actor.action_not_found"
  }
  // [/errors]
  check(answer_text == "actor.action_not_found");
}

int main() {
  troupe::registry registry;
  registry.use<chat_room>("chatRoom");
  troupe::runtime runtime{registry};
  runtime.run(use(runtime.client()));
  return 0;
}
