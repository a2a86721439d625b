// SPDX-License-Identifier: Apache-2.0
// Many consumers of one queue: messages that take long are handled several at a time, each on a thread that may block
// or compute, and what came of them is written by the one actor that has the queue. Use it for jobs that do not depend
// on one another; where their order matters, leave `concurrency` at 1.

#include <chrono>
#include <functional>
#include <latch>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <troupe/testing.hpp>
#include <troupe/troupe.hpp>

namespace {

using namespace std::chrono_literals;
using troupe::testing::simulation;

// [service]
class renderer {
 public:
  virtual ~renderer() = default;
  virtual int render(const std::string& page) = 0;  // takes a second, and a core
};
// [/service]

// [queue]
struct print_shop {
  static constexpr troupe::queue<"pages", std::string, int> pages{
      {.attempts_max = 3, .visibility_timeout = 10min, .concurrency = 4}};

  std::map<std::string, int> sizes;

  // Up to four of these are between their turns at a time. The others wait in the queue, durably.
  troupe::task<int> on_page(troupe::context<print_shop>& c, std::string page) {
    const int size = co_await troupe::blocking(&renderer::render, std::ref(c.service<renderer>()), page);
    sizes[page] = size;  // in a turn: no lock, and durable with the acknowledgement
    co_return size;
  }

  using actor = troupe::actor<print_shop, troupe::consumes<pages, &print_shop::on_page>, troupe::needs<renderer>>;
};
// [/queue]

const troupe::registry program = troupe::registry{}.use<print_shop>("shop");

// Each page waits for another three: that ends only if four are rendered at once.
class four_together final : public renderer {
 public:
  int render(const std::string& page) override {
    all_.arrive_and_wait();
    return static_cast<int>(page.size());
  }

 private:
  std::latch all_{4};
};

class fake_renderer final : public renderer {
 public:
  int render(const std::string& page) override {
    ++rendered[page];
    if (page == "torn") throw std::runtime_error{"cannot be rendered"};
    return static_cast<int>(page.size());
  }
  std::map<std::string, int> rendered;
};

}  // namespace

TEST_CASE("four messages of one queue are handled at the same time") {
  four_together service;
  troupe::runtime runtime{program, {.services = troupe::services{}.provide<renderer>(std::ref(service))}};
  const auto shop = runtime.client().get_or_create<print_shop>("ours");
  for (const char* page : {"a", "bb", "ccc"}) shop.send(print_shop::pages, page).get();
  CHECK(shop.send_and_wait(print_shop::pages, "dddd").get() == 4);
}

TEST_CASE("each page is rendered until it is done or has had its attempts, also over a crash") {
  fake_renderer service;
  troupe::testing::simulation_options options;
  options.runtime.services.provide<renderer>(std::ref(service));
  simulation sim{program, options};
  const auto shop = [&] { return sim.client().get_or_create<print_shop>("ours"); };
  for (const char* page : {"a", "bb", "torn", "ccc", "dddd", "eeeee", "f"}) sim.run(shop().send(print_shop::pages, page));
  sim.crash();
  sim.advance(1h);
  CHECK(sim.stored(shop())->sizes ==
        std::map<std::string, int>{{"a", 1}, {"bb", 2}, {"ccc", 3}, {"dddd", 4}, {"eeeee", 5}, {"f", 1}});
  CHECK(sim.stored_dead_letters(shop(), print_shop::pages) == std::vector<std::string>{"torn"});
  sim.finish();
}
