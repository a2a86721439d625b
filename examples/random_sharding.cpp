// SPDX-License-Identifier: Apache-2.0
// Random sharding: one hot actor becomes N, each write goes to any of them, a read asks all. Use it when a single name
// gets more writes than one actor can take (its turns run one at a time) and the parts add up, as counters do. Do not
// use it where a write must see the writes before it: the shards know nothing of one another.

#include <troupe/troupe.hpp>

#include <atomic>
#include <numeric>
#include <vector>

#include "support.hpp"

// [shard]
struct like_shard {
  std::int64_t likes = 0;

  void add() { ++likes; }
  std::int64_t count() const { return likes; }

  using actor = troupe::actor<like_shard, &like_shard::add, &like_shard::count>;
};
// [/shard]

// [likes]
class like_counter {
 public:
  like_counter(const troupe::client& client, const std::string& post) {
    for (int i = 0; i < 8; ++i) shards_.push_back(client.get_or_create<like_shard>(troupe::key{post, std::to_string(i)}));
  }

  [[nodiscard]] auto add() { return shards_[next_++ % shards_.size()].call<&like_shard::add>(); }

  [[nodiscard]] troupe::task<std::int64_t> count() const {
    std::vector<troupe::call<like_shard, &like_shard::count>> questions;
    for (const auto& each : shards_) questions.push_back(each.call<&like_shard::count>());
    const auto counts = co_await troupe::when_all(std::move(questions));
    co_return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  }

 private:
  std::vector<troupe::handle<like_shard>> shards_;
  std::atomic<std::size_t> next_{0};  // in turns is as even as by chance, and cheaper
};
// [/likes]

troupe::task<> like_many_times(like_counter& likes, int times) {
  for (int i = 0; i < times; ++i) co_await likes.add();
}

int main() {
  troupe::registry registry;
  registry.use<like_shard>("likeShard");
  troupe::runtime runtime{registry, {.threads = 2}};
  const troupe::client client = runtime.client();

  like_counter likes{client, "post-1"};
  std::vector<troupe::task<>> fans;
  for (int i = 0; i < 16; ++i) fans.push_back(like_many_times(likes, 100));
  runtime.run(troupe::when_all(std::move(fans)));
  check(runtime.run(likes.count()) == 1600);

  const auto one = client.get<like_shard>(troupe::key{"post-1", "3"});
  check(one.call<&like_shard::count>().get() == 200);  // an eighth
  return 0;
}
