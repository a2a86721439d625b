// SPDX-License-Identifier: Apache-2.0
#include "observation.hpp"

#include <set>
#include <string_view>

#include <fmt/format.h>
#include <sqlite3.h>

namespace crash {
namespace {

class observer {
 public:
  explicit observer(const std::string& database)
      : runtime_{served(), {.store = troupe::sqlite{database, {.synchronous = troupe::synchronous::normal}},
                            .threads = 1,
                            .on_error = [this](const auto& e, std::string_view where) { hear_error(e, where); }}} {}

  observation look(const std::vector<troupe::actor_id>& ended) {
    for (std::size_t i = 0; i < counters; ++i) seen_.counts[i] = copy_of<counter>(name_of("counter", i));
    for (std::size_t i = 0; i < wallets; ++i) seen_.purses[i] = copy_of<wallet>(name_of("wallet", i));
    for (std::size_t i = 0; i < gauges; ++i) seen_.dials[i] = copy_of<gauge>(name_of("gauge", i));
    for (const char* name : {"big", "quick"}) {
      if (auto found = copy_of<ledger>(name)) seen_.ledgers[name] = *std::move(found);
    }
    for (std::size_t i = 0; i < seen_.mayflies.size(); ++i) {
      seen_.mayflies[i] = if_found([&] { return client_.get<mayfly>(mayfly_name(i)).call<&mayfly::look>().get(); });
    }
    check_list<counter>("counter");
    check_list<wallet>("wallet");
    check_list<gauge>("gauge");
    check_list<ledger>("ledger");
    check_mayflies(ended);
    runtime_.shutdown();
    return std::move(seen_);
  }

 private:
  template <class Look>
  static auto if_found(const Look& look) -> std::optional<decltype(look())> {
    try {
      return look();
    } catch (const troupe::error& e) {
      if (!e.is(troupe::errc::not_found)) throw;
      return std::nullopt;
    }
  }
  template <class A>
  std::optional<A> copy_of(const std::string& name) {
    return if_found([&] { return client_.get<A>(name).template call<&A::copy>().get(); });
  }

  /// Key and id lead to one another, and no key has two.
  template <class A>
  std::vector<troupe::actor_summary> check_list(std::string_view type) {
    auto all = client_.list<A>(troupe::page{1'000}).get();
    std::set<troupe::key> keys;
    for (const troupe::actor_summary& each : all) {
      const std::string name = fmt::format("{}/{}", type, each.key.canonical());
      if (!keys.insert(each.key).second) seen_.faults.push_back(name + " is listed twice");
      const auto by_key = if_found([&] { return client_.get<A>(each.key).resolve().get(); });
      const auto by_id = if_found([&] { return client_.get_for_id<A>(each.id).resolve().get(); });
      if (by_key != each.id) seen_.faults.push_back(name + " is listed with an id that its key does not have");
      if (by_id != each.id) seen_.faults.push_back(name + " is not found by its id");
      seen_.ids[name] = each.id;
    }
    return all;
  }

  void check_mayflies(const std::vector<troupe::actor_id>& ended) {
    std::size_t listed = 0;
    for (const troupe::actor_summary& each : check_list<mayfly>("mayfly")) {
      ++listed;
      seen_.ids.erase("mayfly/" + each.key.canonical());
      const auto by_id = if_found([&] { return client_.get_for_id<mayfly>(each.id).call<&mayfly::look>().get(); });
      if (!by_id || by_id->id != each.id || by_id->key != each.key.canonical()) {
        seen_.faults.push_back(each.key.canonical() + " is another when found by its id");
      }
      if (each.tags.size() != 1) seen_.faults.push_back(each.key.canonical() + " has lost its tag");
    }
    std::size_t found = 0;
    for (const auto& each : seen_.mayflies) found += each.has_value() ? 1 : 0;
    if (found != listed) seen_.faults.push_back(fmt::format("{} mayflies are listed, {} found", listed, found));
    std::size_t tagged = 0;
    for (std::size_t i = 0; i < workers; ++i) {
      troupe::tags labels;
      labels["worker"] = std::to_string(i);
      tagged += client_.find<mayfly>(labels, troupe::page{1'000}).get().size();
    }
    if (tagged != listed) seen_.faults.push_back(fmt::format("{} mayflies are listed, {} by tags", listed, tagged));
    for (const troupe::actor_id& id : ended) {
      if (if_found([&] { return client_.get_for_id<mayfly>(id).resolve().get(); })) {
        seen_.faults.push_back("mayfly " + id.str() + " is back after its acknowledged end");
      }
    }
  }

  void hear_error(const std::exception_ptr& failure, std::string_view where) {
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& e) {
      seen_.faults.push_back(fmt::format("{}: {}", where, e.what()));
    }
  }

  observation seen_;
  troupe::runtime runtime_;
  const troupe::client client_ = runtime_.client();
};

/// What SQLite itself finds wrong with the file.
std::string integrity(const std::string& path) {
  std::string result = "cannot be opened";
  sqlite3* database = nullptr;
  if (sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK) {
    const auto take = [](void* to, int, char** values, char**) {
      *static_cast<std::string*>(to) = values[0];
      return 0;
    };
    sqlite3_exec(database, "PRAGMA integrity_check(1)", take, &result, nullptr);
  }
  sqlite3_close(database);
  return result;
}

}  // namespace

observation observe(const std::string& database, const std::vector<troupe::actor_id>& ended) {
  observation seen = observer{database}.look(ended);
  if (const std::string found = integrity(database); found != "ok") seen.faults.push_back("SQLite: " + found);
  return seen;
}

}  // namespace crash
