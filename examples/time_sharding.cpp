// SPDX-License-Identifier: Apache-2.0
// Time sharding: a stream of measurements is cut into one actor per hour. No actor grows for ever, hours past are asleep
// and cost no memory, and old data goes by destroying whole actors. Use it for logs, metrics and feeds; not where one
// entry depends on earlier ones, since those may be in another shard.

#include <troupe/troupe.hpp>

#include <map>
#include <vector>

#include "support.hpp"

using namespace std::chrono_literals;

// [shard]
struct hourly_views {
  std::map<std::string, std::int64_t> by_page;

  void record(std::string page) { ++by_page[page]; }
  std::int64_t of(std::string page) const {
    const auto found = by_page.find(page);
    return found != by_page.end() ? found->second : 0;
  }
  void expire(troupe::context<hourly_views>& c) { c.destroy(); }

  using actor = troupe::actor<hourly_views, &hourly_views::record, &hourly_views::of, &hourly_views::expire>;
};
// [/shard]

// [key]
troupe::handle<hourly_views> shard(const troupe::client& client, troupe::wall_time at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const auto hour = std::chrono::floor<std::chrono::hours>(at - day);
  const std::string date = std::to_string(day.time_since_epoch().count());
  return client.get_or_create<hourly_views>(troupe::key{"views", date, std::to_string(hour.count())},
                                            troupe::tags{{"day", date}});
}
// [/key]

// [day]
// A shard may be destroyed between the search and the call.
troupe::task<std::int64_t> views_of(troupe::handle<hourly_views> shard, std::string page) {
  try {
    co_return co_await shard.call<&hourly_views::of>(page);
  } catch (const troupe::error& e) {
    if (!e.is(troupe::errc::not_found)) throw;
  }
  co_return 0;
}

troupe::task<std::int64_t> views_of_day(troupe::client client, std::string date, std::string page) {
  troupe::tags that_day{{"day", date}};
  const auto shards = co_await client.find<hourly_views>(that_day);  // those that exist: no empty hours are made
  std::vector<troupe::task<std::int64_t>> questions;
  for (const auto& each : shards) {
    questions.push_back(views_of(client.get_for_id<hourly_views>(each.id), page));
  }
  const auto answers = co_await troupe::when_all(std::move(questions));
  std::int64_t views = 0;
  for (const auto each : answers) views += each;
  co_return views;
}
// [/day]

troupe::task<> expire_day(troupe::client client, std::string date) {
  troupe::tags that_day{{"day", date}};
  const auto shards = co_await client.find<hourly_views>(that_day);
  for (const auto& each : shards) {
    co_await client.get_for_id<hourly_views>(each.id).call<&hourly_views::expire>();
  }
}

int main() {
  troupe::registry registry;
  registry.use<hourly_views>("hourlyViews");
  troupe::runtime runtime{registry};
  const troupe::client client = runtime.client();

  const troupe::wall_time midnight{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21}};
  const std::string date = std::to_string(std::chrono::floor<std::chrono::days>(midnight).time_since_epoch().count());
  for (const auto hour : {9h, 9h, 14h, 23h, 24h}) {
    shard(client, midnight + hour).call<&hourly_views::record>("/home").get();
  }

  check(runtime.run(views_of_day(client, date, "/home")) == 4);  // the fifth is of the next day
  check(runtime.run(client.list<hourly_views>()).size() == 4);   // three hours of that day have a shard, one of the next
  runtime.run(expire_day(client, date));
  check(runtime.run(views_of_day(client, date, "/home")) == 0);
  return 0;
}
