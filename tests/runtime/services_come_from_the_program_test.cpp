// SPDX-License-Identifier: Apache-2.0
// What actors use of their program: given to the runtime, found by type, refused at the start if it is not there.

#include <atomic>
#include <functional>
#include <latch>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "loopback/client_of.hpp"
#include "world.hpp"

using namespace behaviour;
using Catch::Matchers::Contains;

namespace {

// What an actor knows of the outside.
class letter_box {
 public:
  letter_box() = default;
  letter_box(const letter_box&) = delete;
  letter_box& operator=(const letter_box&) = delete;
  virtual ~letter_box() = default;
  virtual void put(std::string letter) = 0;
};

struct settings {
  std::string signature;
};

class kept_letters final : public letter_box {
 public:
  void put(std::string letter) override { letters.push_back(std::move(letter)); }
  std::vector<std::string> letters;
};

struct writer {
  static constexpr troupe::queue<"orders", std::string> orders{};

  int written = 0;

  void on_create(troupe::context<writer>& c) { put(c, "created"); }
  void on_wake(troupe::context<writer>& c) { put(c, "woken"); }
  void on_sleep(troupe::context<writer>& c) { put(c, "asleep"); }
  troupe::task<> run(troupe::context<writer>& c) {
    for (;;) {
      auto order = co_await c.queue().next(orders);
      put(c, "order: " + *order);
    }
  }
  int write(troupe::context<writer>& c, std::string letter) {
    put(c, std::move(letter));
    return ++written;
  }
  troupe::task<> write_later(troupe::context<writer>& c, std::string letter) {
    letter_box& to = c.service<letter_box>();
    co_await troupe::delay(1s);
    to.put(letter);
    put(c, letter);
  }
  void rest(troupe::context<writer>& c) { c.sleep(); }

  using actor = troupe::actor<writer, &writer::write, &writer::write_later, &writer::rest, orders,
                              troupe::needs<letter_box, const settings>>;

 private:
  static void put(troupe::context<writer>& c, std::string letter) {
    c.service<letter_box>().put(letter + c.service<const settings>().signature);
  }
};

struct blocked_writer {
  int written = 0;
  troupe::task<> write(troupe::context<blocked_writer>& c, std::string letter) {
    co_await troupe::blocking(&letter_box::put, std::ref(c.service<letter_box>()), letter);
    ++written;
  }
  using actor = troupe::actor<blocked_writer, &blocked_writer::write, troupe::needs<letter_box>>;
};

struct progress {
  std::latch begun{1};
  std::latch opened{1};
  std::latch ended{1};
  std::atomic<bool> box_is_gone{false};
};

// Only a name here: an actor may need what it does not look into.
class unknown_here;
struct idler {
  int count = 0;
  int get() const { return count; }
  using actor = troupe::actor<idler, &idler::get, troupe::needs<letter_box>, troupe::needs<unknown_here, letter_box>>;
};

template <class A>
troupe::registry only(const char* name) {
  troupe::registry r;
  r.use<A>(name);
  return r;
}

troupe::runtime_options with(troupe::services given) {
  troupe::runtime_options options;
  options.services = std::move(given);
  return options;
}

std::string text_when(const std::function<void()>& f) { return text_of(failure_of(f)); }

}  // namespace

TEST_CASE("actions, hooks and run loops use the objects that the program owns") {
  kept_letters box;
  const settings set{", yours"};
  world w{only<writer>("writer"),
          with(troupe::services{}.provide<letter_box>(std::ref(box)).provide(std::cref(set)))};
  const auto a = w.client.get_or_create<writer>("a");
  CHECK(w.run(a.call<&writer::write>("hello")) == 1);
  CHECK(box.letters == std::vector<std::string>{"created, yours", "woken, yours", "hello, yours"});
  box.letters.clear();
  w.run(a.send(writer::orders, "a book"));
  w.settle();
  const auto later = w.start(a.call<&writer::write_later>("soon"));
  w.pass(2s);
  CHECK(later.done());
  w.run(a.call<&writer::rest>());
  w.settle();
  CHECK(box.letters == std::vector<std::string>{"order: a book, yours", "soon", "soon, yours", "asleep, yours"});
}

TEST_CASE("a shared object lives until the runtime has ended, and no handle keeps it for longer") {
  const auto box = std::make_shared<kept_letters>();
  const std::weak_ptr<settings> set = [&] {
    auto made = std::make_shared<settings>();
    made->signature = "!";
    troupe::runtime runtime{only<writer>("writer"),
                            with(troupe::services{}.provide<letter_box>(box).provide<const settings>(made))};
    const std::weak_ptr<settings> seen = made;
    made.reset();
    CHECK_FALSE(seen.expired());
    CHECK(client_of(runtime).get_or_create<writer>("a").call<&writer::write>("hello").get() == 1);
    const auto kept = runtime.client().get_or_create<writer>("a");
    runtime.shutdown();
    CHECK(seen.expired());
    CHECK(box.use_count() == 1);
    CHECK(code_when([&] { kept.call<&writer::write>("late").get(); }) == "runtime.stopped");
    return seen;
  }();
  CHECK(set.expired());
  CHECK(box->letters == std::vector<std::string>{"created!", "woken!", "hello!", "asleep!"});
}

TEST_CASE("what a function uses that shutdown has left behind does not end before it") {
  struct stuck_box final : letter_box {
    explicit stuck_box(std::shared_ptr<progress> p) : told{std::move(p)} {}
    ~stuck_box() override { told->box_is_gone = true; }
    void put(std::string) override {
      told->begun.count_down();
      told->opened.wait();
      told->ended.count_down();
    }
    std::shared_ptr<progress> told;
  };
  const auto seen = std::make_shared<progress>();
  {
    auto options = with(troupe::services{}.provide<letter_box>(std::make_unique<stuck_box>(seen)));
    options.shutdown_limit = 100ms;
    options.logger = [](troupe::log_level, std::string_view) {};
    troupe::runtime runtime{only<blocked_writer>("writer"), options};
    runtime.client().get_or_create<blocked_writer>("a").post<&blocked_writer::write>("stuck");
    seen->begun.wait();
    runtime.shutdown();
  }
  CHECK_FALSE(seen->box_is_gone);
  seen->opened.count_down();
  seen->ended.wait();
  CHECK_FALSE(seen->box_is_gone);
}

TEST_CASE("a unique object is the runtime's own") {
  struct alarm_bell {
    explicit alarm_bell(bool& rung) : rung_{rung} {}
    alarm_bell(const alarm_bell&) = delete;
    alarm_bell& operator=(const alarm_bell&) = delete;
    ~alarm_bell() { rung_ = true; }
    bool& rung_;
  };
  bool rung = false;
  {
    const world w{troupe::registry{}, with(troupe::services{}.provide(std::make_unique<alarm_bell>(rung)))};
    CHECK_FALSE(rung);
  }
  CHECK(rung);
}

TEST_CASE("a runtime without what an actor needs does not start, and names both; its store is not opened") {
  kept_letters box;
  bool opened = false;
  auto options = with(troupe::services{}.provide<letter_box>(std::ref(box)));
  options.store = [&] {
    opened = true;
    return troupe::memory{}();
  };
  const auto why = text_when([&] { const troupe::runtime runtime{only<writer>("scribe"), options}; });
  CHECK_THAT(why, Contains("config.invalid") && Contains("\"scribe\"") && Contains("settings") &&
                      Contains("runtime_options::services") && !Contains("letter_box"));
  CHECK_FALSE(opened);
  CHECK_THAT(text_when([&] { const troupe::runtime runtime{only<idler>("idler"), options}; }),
             Contains("\"idler\"") && Contains("unknown_here"));
}

TEST_CASE("an object is found under the type that it was provided as, and no other") {
  kept_letters box;
  const settings set{};
  // The object's own type is not the interface's, and a type is not its const.
  const auto own = troupe::services{}.provide(std::ref(box)).provide(std::cref(set));
  CHECK(own.find<kept_letters>() == &box);
  CHECK(own.find<letter_box>() == nullptr);
  CHECK(own.find<settings>() == nullptr);
  CHECK(own.find<const settings>() == &set);
  CHECK_THAT(text_when([&] { const troupe::runtime runtime{only<writer>("writer"), with(own)}; }),
             Contains("letter_box"));
}

TEST_CASE("an object may be provided under several types, and a type has one object") {
  kept_letters box;
  kept_letters other;
  auto given = troupe::services{}.provide(std::ref(box)).provide<letter_box>(std::ref(box));
  CHECK(given.find<letter_box>() == &box);
  CHECK_THAT(text_when([&] { given.provide<letter_box>(std::ref(other)); }),
             Contains("config.invalid") && Contains("letter_box"));
  CHECK(given.find<letter_box>() == &box);
  CHECK_THAT(text_when([&] { given.provide(std::shared_ptr<settings>{}); }),
             Contains("config.invalid") && Contains("settings") && Contains("null"));
}

TEST_CASE("each runtime has services of its own") {
  kept_letters boxes[2];
  const settings set{};
  const auto given = [&](kept_letters& box) {
    return with(troupe::services{}.provide<letter_box>(std::ref(box)).provide(std::cref(set)));
  };
  world first{only<writer>("writer"), given(boxes[0])};
  world second{only<writer>("writer"), given(boxes[1])};
  first.run(first.client.get_or_create<writer>("a").call<&writer::write>("one"));
  second.run(second.client.get_or_create<writer>("a").call<&writer::write>("two"));
  CHECK(boxes[0].letters.back() == "one");
  CHECK(boxes[1].letters.back() == "two");
}
