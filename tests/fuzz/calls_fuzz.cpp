// SPDX-License-Identifier: Apache-2.0
// Calls and messages by name, as remote clients and tools make them: arguments in JSON or CBOR that nobody has checked.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <troupe/codec/json_text.hpp>

#include "fuzz.hpp"
#include "values.hpp"
#include "world.hpp"

namespace {

using fuzz::check;

struct desk {
  static constexpr troupe::queue<"inbox", fuzz::plain> inbox{troupe::queue_options{.messages_max = 4}};

  fuzz::plain kept;
  std::vector<std::string> notes;
  std::uint64_t total = 0;

  void put(fuzz::plain value, bool twice) {
    kept = std::move(value);
    if (twice) notes.push_back(kept.text);
  }
  std::uint64_t add(std::uint64_t by, std::optional<std::uint8_t> times) { return total += by * times.value_or(1); }
  void note(const std::string& text, troupe::key of, troupe::tags labels) {
    notes.push_back(text + of.canonical() + std::to_string(labels.size()));
  }
  troupe::json echo(troupe::json value) const { return value; }
  fuzz::special mirror(fuzz::special value) const { return value; }
  std::string join(std::vector<std::string> parts, std::string_view between) const {
    std::string all;
    for (const std::string& part : parts) all += part + std::string{between};
    return all;
  }
  troupe::task<std::size_t> later(std::map<std::int32_t, fuzz::point> places, troupe::bytes data) {
    notes.emplace_back("later");
    co_return places.size() + data.size();
  }
  std::optional<fuzz::plain> take(troupe::context<desk>& c) {
    auto message = c.queue().try_next(inbox);
    if (!message) return std::nullopt;
    return message->body();
  }

  std::tuple<fuzz::plain, std::vector<std::string>, std::uint64_t> all() const { return {kept, notes, total}; }

  using actor = troupe::actor<desk, &desk::put, &desk::add, &desk::note, &desk::echo, &desk::mirror, &desk::join,
                              &desk::later, &desk::take, &desk::all, desk::inbox>;
};

constexpr std::array actions{"put", "add", "note", "echo", "mirror", "join", "later", "all", "kept", ""};

const troupe::registry& served() {
  static const troupe::registry registry = [] {
    troupe::registry r;
    r.use<desk>("desk");
    return r;
  }();
  return registry;
}

// What goes wrong with a call by name, and nothing else.
template <class Call>
bool answered(const Call& call) {
  try {
    call();
    return true;
  } catch (const troupe::error& why) {
    const bool expected = why.is(troupe::errc::invalid_request) || why.is(troupe::errc::action_not_found) ||
                          why.is(troupe::errc::queue_full) || why.is(troupe::errc::queue_message_too_large);
    check(expected, "a call is refused as a bad request:", why.what());
    return false;
  }
}

class session {
 public:
  void step(fuzz::input& from) {
    const unsigned what = from.byte();
    const std::string_view action = actions[(what >> 3) % actions.size()];
    const troupe::bytes_view data = from.piece();
    switch (what & 7) {
      case 0:
      case 1: return call(action, fuzz::text_of(data));
      case 2: return call(action, data);
      case 3: return send([&] { return desk_.send("inbox", fuzz::text_of(data)); });
      case 4: return send([&] { return desk_.send("inbox", data); });
      case 5: return take();
      case 6: return world_->advance(std::chrono::minutes{1});  // it sleeps, and wakes for the next call
      default: return restart();
    }
  }

  void restart() {
    const auto before = world_->runtime.run(desk_.call<&desk::all>());
    world_.emplace(served(), memory_);
    desk_ = reach();
    check(world_->runtime.run(desk_.call<&desk::all>()) == before, "what was answered is durable");
  }

 private:
  troupe::handle<desk> reach() { return world_->runtime.client().get_or_create<desk>("one"); }

  void call(std::string_view action, std::string_view json) {
    std::string text;
    if (!answered([&] { text = world_->runtime.run(desk_.call(action, json)); })) return;
    const troupe::bytes result = troupe::from_json(text);
    check(troupe::to_json(result) == text, "a result is JSON, and stable:", text);
    if (action == "echo") {
      const auto arguments = troupe::decode<std::tuple<troupe::json>>(troupe::from_json(json));
      check(result == troupe::encode(std::get<0>(arguments)), "an echo says what it was told:", text);
    }
  }
  void call(std::string_view action, troupe::bytes_view cbor) {
    troupe::bytes result;
    if (!answered([&] { result = world_->runtime.run(desk_.call(action, cbor)); })) return;
    if (action == "mirror") {
      const auto arguments = troupe::decode<std::tuple<fuzz::special>>(cbor);
      check(result == troupe::encode(std::get<0>(arguments)), "a mirror shows what is before it");
    }
  }

  template <class Send>
  void send(const Send& make) {
    if (answered([&] { world_->runtime.run(make()); })) ++waiting_;
  }
  void take() {
    const auto taken = world_->runtime.run(desk_.call<&desk::take>());
    check(taken.has_value() == (waiting_ != 0), "messages that were accepted are there, and can be read");
    if (taken) --waiting_;
  }

  troupe::memory memory_;
  std::optional<fuzz::world> world_{std::in_place, served(), memory_};
  troupe::handle<desk> desk_ = reach();
  int waiting_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr int steps_max = 16;
  fuzz::input input{data, size};
  session s;
  for (int steps = 0; steps < steps_max && !input.empty(); ++steps) s.step(input);
  s.restart();
  return 0;
}
