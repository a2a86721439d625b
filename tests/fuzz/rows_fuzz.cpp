// SPDX-License-Identifier: Apache-2.0
// What a store gives back of an actor when a program starts: state of this version and of earlier ones, the input of one
// that was not finished, messages in its queues and on their way. The store is sound; what its rows say need not be.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <troupe/json.hpp>

#include "fuzz.hpp"
#include "values.hpp"
#include "world.hpp"

namespace {

using fuzz::check;

/// A definition that has seen an earlier version, and takes what is sent to it.
struct sheet {
  static constexpr int version = 3;
  static constexpr troupe::queue<"inbox", fuzz::plain> inbox{};
  static constexpr troupe::queue<"log", std::string> log{troupe::queue_options{.messages_max = 1}};

  fuzz::plain kept;
  fuzz::special odd;
  std::uint32_t read = 0;

  static void migrate(troupe::json& state, int from) {
    if (state.is_object() && from < 2) state["read"] = 1;
  }
  void on_create(troupe::context<sheet>&, const fuzz::plain& input) { kept = input; }
  troupe::task<> run(troupe::context<sheet>& c) {
    auto lines = c.queue().messages(log);
    while (true) {
      auto line = co_await lines.next();
      if (!line) break;
      ++read;
    }
  }
  bool take(troupe::context<sheet>& c) {
    auto message = c.queue().try_next(inbox);
    if (message) kept.text = message->body().text;
    return message.has_value();
  }
  void touch() { ++read; }

  using actor =
      troupe::actor<sheet, &sheet::take, &sheet::touch, sheet::inbox, sheet::log>;
};

const troupe::registry& served() {
  static const troupe::registry registry = [] {
    troupe::registry r;
    r.use<sheet>("sheet");
    return r;
  }();
  return registry;
}

const troupe::actor_id id{{1, 2, 3, 4}};

/// Puts rows into a store that nobody runs on.
class writer {
 public:
  writer(troupe::store& into, fuzz::input& from) : store_{into}, from_{from} {}

  void write() {
    const unsigned what = from_.byte();
    version_ = 1 + (what & 3);
    initialised_ = (what & 4) == 0;
    const troupe::bytes_view state = from_.piece();
    for (std::uint64_t i = 1; i <= messages_max && !from_.empty(); ++i) {
      if ((from_.byte() & 1) != 0) {
        sent_.push_back({.id = i, .content = from_.piece()});
      } else {
        messages_.push_back(message(i));
      }
    }
    commit(state);
  }

 private:
  static constexpr std::uint64_t messages_max = 8;

  troupe::write_set::message message(std::uint64_t number) {
    const unsigned what = from_.byte();
    troupe::write_set::message m;
    m.id = number;
    m.queue = std::array<std::string_view, 4>{"inbox", "log", "log", "gone"}[what & 3];
    m.dead = (what & 4) != 0;
    m.attempts = what >> 3 & 7;
    m.due_at = time();
    m.body = from_.piece();
    return m;
  }
  // Anything from the first moment that a number can say to the last one.
  troupe::wall_time time() {
    const unsigned what = from_.byte();
    const std::int64_t base = (what & 1) == 0 ? 1'767'225'600'000 : 0;
    return troupe::wall_time{std::chrono::milliseconds{base ^ static_cast<std::int64_t>(std::uint64_t{what} << 56)}};
  }

  void commit(troupe::bytes_view state) {
    troupe::write_set::creation created;
    created.name = "sheet";
    created.key = "one";
    if (!initialised_) created.input = state;
    troupe::write_set w;
    w.what = troupe::write_set::action::create;
    w.id = id;
    w.created = &created;
    w.initialised = initialised_;
    w.version = version_;
    if (initialised_) w.state = state;
    w.messages = messages_;
    w.sent = sent_;
    troupe::commit_request request;
    request.writes.push_back(w);
    request.done = [](troupe::commit_request&) noexcept {};
    store_.commit(request);
    check(request.result == troupe::commit_request::outcome::committed, "a sound store takes any bytes");
  }

  troupe::store& store_;
  fuzz::input& from_;
  std::uint32_t version_ = 1;
  bool initialised_ = true;
  std::vector<troupe::write_set::message> messages_;
  std::vector<troupe::write_set::sent_message> sent_;
};

std::optional<troupe::actor_record> load(troupe::store& from) {
  troupe::load_request request;
  request.id = id;
  request.with_messages = true;
  request.done = [](troupe::load_request&) noexcept {};
  from.load(request);
  return request.found;
}

// Whether the actor can be woken. Nothing but `troupe::error` may come out of it.
bool wakes(fuzz::world& w, const troupe::handle<sheet>& one) {
  try {
    w.runtime.run(one.call<&sheet::touch>());
    return true;
  } catch (const troupe::error&) {
    return false;
  }
}

void take_all(fuzz::world& w, const troupe::handle<sheet>& one) {
  for (int left = 64; left > 0; --left) {
    try {
      if (!w.runtime.run(one.call<&sheet::take>())) return;
    } catch (const troupe::error&) {
      w.advance(std::chrono::hours{1});  // what failed comes again
    }
  }
  check(false, "messages that cannot be read come to an end");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input input{data, size};
  const troupe::memory memory;
  troupe::actor_record before;
  {
    const auto store = memory();
    writer{*store, input}.write();
    before = load(*store).value();
    store->close();
  }
  bool woke = false;
  {
    fuzz::world w{served(), memory};
    w.settle();
    w.advance(std::chrono::minutes{2});
    const auto one = w.runtime.client().get<sheet>("one");
    woke = wakes(w, one);
    if (woke) take_all(w, one);
    w.advance(std::chrono::hours{24 * 365});
    check(w.runtime.health().store_ok, "what is written can be stored");
  }
  const auto store = memory();
  const auto after = load(*store);
  if (before.initialised && !woke) check(after && after->state == before.state, "state that is refused stays as it was");
  store->close();
  return 0;
}
