// SPDX-License-Identifier: Apache-2.0
#include <troupe/testing/check_store.hpp>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include <fmt/format.h>

#include <troupe/core/error.hpp>

#include "store_driver.hpp"
#include "zeros.hpp"

namespace troupe {
inline namespace v0 {
namespace testing {
using namespace store_checking;

namespace {

// -- the checks -----------------------------------------------------------------------------------------------------

void missing_actors(bench& b) {
  opened store{b.make};
  const actor_record nobody = b.actor("nobody");
  expect(!store.load(nobody.id), "loading an id that does not exist finds nothing");
  expect(!store.load(b.name, "nobody"), "loading a key that does not exist finds nothing");
  expect(store.list(b.name).empty(), "listing a definition without actors finds nothing");
}

void every_field(bench& b) {
  actor_record plain = b.actor("plain", "");
  actor_record full = b.actor(R"(org-7/al\/ice "'%_\\ ünïcode)", std::string_view{"\0\xff binary \0", 11});
  full.version = 4'294'967'295U;
  full.labels = {{"owner", "api"}, {"empty", ""}, {"région", "eu"}};
  actor_record fresh = b.actor(std::string(1024, 'k'), "");
  fresh.initialised = false;
  fresh.input = to_bytes("input");
  actor_record without_input = b.actor("", "");
  without_input.initialised = false;
  actor_record large = b.actor("large", std::string(1 << 20, 'x'));
  const std::vector<actor_record> all{plain, full, fresh, without_input, large};
  batch creating;
  for (const actor_record& actor : all) creating.create(actor);
  {
    opened store{b.make};
    store.commit(creating);
    for (const actor_record& actor : all) store.has(actor, "what was created is loaded, every field of it");
  }
  opened store{b.make};
  for (const actor_record& actor : all) store.has(actor, "what was committed is there after reopening");
}

void updating(bench& b) {
  opened store{b.make};
  actor_record actor = b.actor("a", "");
  actor.initialised = false;
  actor.input = to_bytes("input");
  actor.labels = {{"owner", "api"}};
  store.commit(batch{}.create(actor));
  actor.version = 2;
  store.commit(batch{}.update(actor));
  store.has(actor, "the input stays while an actor is not initialised");
  actor.initialised = true;
  actor.input.reset();
  actor.state = to_bytes("first");
  store.commit(batch{}.update(actor));
  store.has(actor, "an update replaces state, version and the initialised mark, drops the input, and nothing else");
  actor.state = to_bytes(std::string(5000, 'y'));
  store.commit(batch{}.update(actor));
  actor.state.clear();
  actor.version = 3;
  store.commit(batch{}.update(actor));
  store.has(actor, "an update may make the state shorter");
  store.commit(batch{});
  store.has(actor, "an empty commit changes nothing");
}

void changing_tags(bench& b) {
  actor_record actor = b.actor("a");
  const tags old{{"owner", "api"}, {"plan", "free"}, {"région", "eu"}};
  const tags now{{"owner", "api"}, {"plan", "pro"}};
  actor.labels = old;
  actor_record other = b.actor("other");
  other.labels = old;
  {
    opened store{b.make};
    store.commit(batch{}.create(actor).create(other));
    actor.state = to_bytes("changed");
    actor.labels = now;
    store.commit(batch{}.update(actor).label(now));
    store.has(actor, "an update's tags take the place of all that the actor had");
    expect(store.list(b.name, &now).size() == 1, "an actor is found by the tags that it has got");
    expect(store.list(b.name, &old).size() == 1, "an actor is not found by tags that it had");
    store.has(other, "another actor's tags are as they were");
    actor.labels = {};
    store.commit(batch{}.keep(actor.id).label({}));
    store.has(actor, "tags change while the rest is kept, and may be none");
    expect(store.list(b.name, &now).empty(), "an actor is not found by tags that it had");
    store.commit_is_refused(batch{}.update(actor).label(now).keep(b.actor("absent").id),
                            "keeping an actor that does not exist is refused");
    store.has(actor, "a commit that failed left no trace of its tags");
    store.commit_is_refused(batch{}.destroy(other.id).label(now),
                            "giving tags to an actor that is destroyed is refused");
    store.has(other, "a commit that failed left no trace of its destroys");
    actor.state = to_bytes("again");
    store.commit(batch{}.update(actor));
    store.has(actor, "an update without tags leaves them as they are");
    actor_record fresh = b.actor("fresh");
    fresh.labels = old;
    batch creating;
    creating.create(fresh).label(now);
    store.commit(creating);
    fresh.labels = now;
    store.has(fresh, "tags that change in the commit of the creation count, and not those of the creation");
    actor.labels = old;
    store.commit(batch{}.keep(actor.id).label(old));
  }
  opened store{b.make};
  store.has(actor, "tags that were changed are there after reopening");
  expect(store.list(b.name, &old).size() == 2, "an actor is found by the tags that it has got after reopening");
}

void destroying(bench& b) {
  opened store{b.make};
  actor_record old = b.actor("taken");
  old.labels = {{"owner", "old"}};
  actor_record other = b.actor("other");
  store.commit(batch{}.create(old).create(other));
  actor_record next = b.actor("taken", "next");
  store.commit(batch{}.create(next).destroy(old.id));
  store.has(next, "destroys come before creates, so that a key can be taken again in one commit");
  store.has_not(old, "a destroyed actor is gone");
  expect(store.list(b.name, &old.labels).empty(), "a destroyed actor's tags are gone");
  store.has(other, "destroying one actor leaves others alone");
  store.commit(batch{}.destroy(next.id));
  store.has_not(next, "a destroyed actor is gone");
  store.commit(batch{}.destroy(next.id).create(b.actor("after")));
  expect(store.load(b.name, "after").has_value(), "destroying an actor that has no row does nothing");
}

void mistakes(bench& b) {
  opened store{b.make};
  const actor_record kept = b.actor("kept");
  store.commit(batch{}.create(kept));
  actor_record changed = kept;
  changed.state = to_bytes("changed");
  const actor_record fresh = b.actor("fresh");
  const actor_record absent = b.actor("absent");
  const actor_record same_key = b.actor("kept");
  actor_record same_id = b.actor("another");
  same_id.id = kept.id;

  const auto refused = [&](const batch& changes, std::string_view promise) {
    store.commit_is_refused(changes, promise);
    store.has(kept, "a commit that failed left no trace of its updates");
    store.has_not(fresh, "a commit that failed left no trace of its creates");
  };
  refused(batch{}.create(fresh).update(changed).update(absent), "updating an actor that does not exist is refused");
  refused(batch{}.create(fresh).update(changed).create(same_key), "creating under a key that is taken is refused");
  refused(batch{}.create(fresh).create(same_id), "creating an id that is taken is refused");
  refused(batch{}.create(fresh).create(b.actor("fresh")), "creating two actors under one key is refused");
  refused(batch{}.create(fresh).update(kept).update(changed), "naming an id twice is refused");
  refused(batch{}.destroy(kept.id).create(fresh).update(absent), "a commit that failed left no trace of its destroys");

  const auto most = store->value_bytes_max();
  if (most < too_large_max) {
    const zeros more{most + 1};
    refused(batch{}.create(fresh).update(kept.id, more.view()),
            "a state that is larger than the store says it takes is refused");
  }

  store.commit(batch{}.create(fresh).update(changed));
  store.has(fresh, "after a commit that failed, a correct one succeeds");
  store.has(changed, "after a commit that failed, a correct one succeeds");
}

void crowds(bench& b) {
  opened store{b.make};
  constexpr int count = 29;
  batch births;
  std::vector<actor_record> crowd;
  std::vector<std::string> keys;
  for (int i = 0; i != count; ++i) {
    actor_record& one = crowd.emplace_back(b.actor(fmt::format("{}", i), fmt::format("state {}", i)));
    if (i % 3 == 0) one.labels = {{"third", "yes"}};
    births.create(one);
    keys.push_back(fmt::format("nobody {}", i));
    keys.push_back(one.key);
  }
  store.commit(births);
  for (const actor_record& one : crowd) store.has(one, "what is created in one commit is there");
  const auto found = store.load_all(b.name, keys);
  for (std::size_t i = 0; i != keys.size(); ++i) {
    const bool expected = i % 2 == 0 ? !found[i] : found[i] && same(*found[i], crowd[i / 2]);
    expect(expected, "of requests that are made together, each has its own answer");
  }
  for (const int at : {0, 13, count - 1}) {  // anywhere
    batch more;
    actor_record fresh;
    for (int i = 0; i != count; ++i) {
      const actor_record next = i == at ? b.actor("17") : b.actor(fmt::format("at {}, {}", at, i));
      if (i != at) fresh = next;
      more.create(next);
    }
    store.commit_is_refused(more, "creating a crowd, one of which takes a key that is taken, is refused");
    store.has_not(fresh, "a commit that failed left no trace of its creates");
  }
}

void definitions_apart(bench& b) {
  opened store{b.make};
  const actor_record mine = b.actor("home", "mine");
  actor_record theirs = b.actor("home", "theirs");
  theirs.name = b.name + ".other";
  store.commit(batch{}.create(mine).create(theirs));
  store.has(mine, "a key belongs to a definition");
  store.has(theirs, "a key belongs to a definition");
  expect(store.list(b.name).size() == 1, "a list has actors of one definition only");
}

void expect_ids(const std::vector<actor_record>& found, const std::vector<actor_id>& wanted, std::string_view promise) {
  expect(std::ranges::equal(found, wanted, {}, &actor_record::id), promise);
}

void listing(bench& b) {
  opened store{b.make};
  std::vector<actor_record> actors;
  for (int at = 0; at != 60; ++at) {
    actor_record& actor = actors.emplace_back(b.actor(fmt::format("{}", (at * 37) % 60)));
    if (at % 2 == 0) actor.labels.emplace("even", "yes");
    if (at % 3 == 0) actor.labels.emplace("third", at % 2 == 0 ? "even" : "odd");
  }
  batch creating;
  for (auto actor = actors.rbegin(); actor != actors.rend(); ++actor) creating.create(*actor);
  store.commit(creating);

  std::vector<actor_id> ids;
  for (const actor_record& actor : actors) ids.push_back(actor.id);
  const std::vector<actor_record> all = store.list(b.name);
  expect_ids(all, ids, "a list is in the order of ids");
  for (std::size_t at = 0; at != all.size(); ++at) {
    actor_record wanted = actors[at];
    wanted.state.clear();
    expect(same(all[at], wanted), "a list has every field but state and input");
  }
  const auto sixth = ids.begin() + 6;
  expect_ids(store.list(b.name, nullptr, ids[5], 10), {sixth, sixth + 10},
             "a page starts behind `after` and has `limit` rows");
  expect_ids(store.list(b.name, nullptr, ids.back()), {}, "behind the last id there is nothing");
  expect_ids(store.list(b.name, nullptr, {}, 0), {}, "a page of no rows has none");

  const auto tagged = [&](std::size_t first, std::size_t step) {
    std::vector<actor_id> wanted;
    for (std::size_t at = first; at < ids.size(); at += step) wanted.push_back(ids[at]);
    return wanted;
  };
  const tags none;
  const tags even{{"even", "yes"}};
  const tags both{{"even", "yes"}, {"third", "even"}};
  const tags wrong{{"even", "yes"}, {"third", "odd"}};
  expect_ids(store.list(b.name, &none), ids, "an empty set of tags excludes nobody");
  expect_ids(store.list(b.name, &even), tagged(0, 2), "a list by a tag has the actors that carry it");
  expect_ids(store.list(b.name, &both), tagged(0, 6), "a list by tags has the actors that carry all of them");
  expect_ids(store.list(b.name, &wrong), {}, "a list by tags has the actors that carry all of them");
  expect_ids(store.list(b.name, &both, ids[6], 2), {ids[12], ids[18]}, "a list by tags has pages too");
}

void ownership(bench& b) {
  const actor_record actor = b.actor("a");
  {
    opened store{b.make};
    bool refused = false;
    try {
      b.make()->close();
    } catch (...) {
      refused = is_error(std::current_exception(), errc::store_in_use);
    }
    expect(refused, "a second owner is refused with store.in_use");
    store.commit(batch{}.create(actor));
    store.has(actor, "refusing a second owner does not disturb the first");
  }
  opened store{b.make};
  store.has(actor, "a closed store can be opened again");
}

void large_commit(bench& b) {
  opened store{b.make};
  if (store.is_per_actor()) return;
  batch creating;
  std::vector<actor_record> actors;
  for (int at = 0; at != 4096; ++at) creating.create(actors.emplace_back(b.actor(fmt::format("actor-{}", at))));
  store.commit(creating);
  expect(store.list(b.name).size() == actors.size(), "a commit of 4,096 creates is there whole");
  std::ranges::shuffle(actors, b.random);
  batch changing;
  for (actor_record& actor : actors) {
    actor.state = to_bytes("changed");
    changing.update(actor);
  }
  store.commit(changing);
  for (std::size_t at = 0; at < actors.size(); at += 97) {
    store.has(actors[at], "a commit of 4,096 updates is there whole");
  }
}

void parallel_reads(bench& b) {
  constexpr int commits = 200;
  opened store{b.make};
  actor_record actor = b.actor("a", std::string(4, '0'));
  store.commit(batch{}.create(actor));
  std::atomic<int> committed = 0;
  std::mutex mutex;
  std::string broken;
  const auto read = [&] {
    try {
      for (int before = 0; before < commits;) {
        before = committed.load();
        const std::optional<actor_record> found = store.load(actor.id);
        const int after = committed.load() + 1;  // the next one may be durable before it is reported
        expect(found && found->state.size() == 4, "a load during commits finds the actor");
        const int seen = std::stoi(std::string{reinterpret_cast<const char*>(found->state.data()), 4});
        expect(before <= seen && seen <= after, "a load sees every commit that has been reported");
        expect(store.list(b.name).size() == 1, "a list during commits finds the actor");
      }
    } catch (const broken_promise& promise) {
      const std::lock_guard lock{mutex};
      broken = promise.sentence;
    }
  };
  std::vector<std::thread> readers;
  for (int at = 0; at != 4; ++at) readers.emplace_back(read);
  std::exception_ptr failure;
  try {
    for (int at = 1; at <= commits; ++at) {
      actor.state = to_bytes(fmt::format("{:04}", at));
      store.commit(batch{}.update(actor));
      committed = at;
    }
  } catch (...) {
    failure = std::current_exception();
    committed = commits;
  }
  for (std::thread& reader : readers) reader.join();
  if (failure) std::rethrow_exception(failure);
  expect(broken.empty(), broken);
}

void backing_up(bench& b) {
  opened store{b.make};
  const actor_record actor = b.actor("a");
  store.commit(batch{}.create(actor));
  const std::string path =
      (std::filesystem::temp_directory_path() / fmt::format("troupe-check-{:016x}", std::random_device{}())).string();
  try {
    store->backup(path);
  } catch (...) {
    throw broken_promise{"a backup succeeds, not: " + describe(std::current_exception())};
  }
  expect(std::filesystem::exists(path), "a backup is at the path it was given");
  const auto size = std::filesystem::file_size(path);
  bool refused = false;
  try {
    store->backup(path);
  } catch (const error&) {
    refused = true;
  }
  const bool untouched = std::filesystem::file_size(path) == size;
  for (const char* suffix : {"", "-wal", "-shm", "-troupe-lock"}) std::filesystem::remove(path + suffix);
  expect(refused && untouched, "a backup to a path that exists is refused");
  store.has(actor, "a backup leaves the store as it is");
}

/// Random commits beside a model of them, with reopening now and then.
void random_commits(bench& b) {
  std::map<actor_id, actor_record> wanted;
  std::map<std::string, actor_id> taken;
  for (int opening = 0; opening != 4; ++opening) {
    opened store{b.make};
    for (const auto& [id, actor] : wanted) {
      store.has(actor, "after reopening, every actor is as the last commit left it");
    }
    expect(store.list(b.name).size() == wanted.size(), "after reopening, no actor is there that was not committed");
    for (int commit = 0; commit != 30; ++commit) {
      batch changes;
      std::vector<actor_id> ids;
      for (const auto& [id, actor] : wanted) ids.push_back(id);
      std::ranges::shuffle(ids, b.random);
      ids.resize(std::min<std::size_t>(ids.size(), 4));
      for (const actor_id& id : ids) {
        if (b.random() % 3 == 0) {
          taken.erase(wanted.at(id).key);
          wanted.erase(id);
          changes.destroy(id);
        } else {
          wanted.at(id).state = to_bytes(std::string(b.random() % 3000, 'z'));
          wanted.at(id).version += 1;
          changes.update(wanted.at(id));
        }
      }
      for (int created = 0; created != 3; ++created) {
        const actor_record actor = b.actor(fmt::format("key-{}", b.random() % 20));
        if (!taken.emplace(actor.key, actor.id).second) continue;
        wanted.emplace(actor.id, actor);
        changes.create(actor);
      }
      store.commit(changes);
    }
  }
}

void openings(bench& b) {
  std::uint64_t last = 0;
  for (int time = 0; time != 3; ++time) {
    opened store{b.make};
    const std::uint64_t opening = store->opening();
    expect(opening > last, "each opening has a higher number than all before");
    store.commit(batch{}.create(b.actor(fmt::format("{}", time))));
    expect(store->opening() == opening, "an opening's number does not change while the store is open");
    last = opening;
  }
}

constexpr check actor_checks[] = {
    {"missing actors", missing_actors}, {"every field", every_field},       {"updating", updating},
    {"destroying", destroying},         {"mistakes", mistakes},             {"definitions apart", definitions_apart},
    {"listing", listing},               {"ownership", ownership},           {"large commit", large_commit},
    {"parallel reads", parallel_reads}, {"backing up", backing_up},         {"random commits", random_commits},
    {"openings", openings},             {"crowds", crowds},                 {"changing tags", changing_tags},
};

}  // namespace

std::vector<std::string> check_store(const store_factory& make) {
  std::vector<check> checks{std::begin(actor_checks), std::end(actor_checks)};
  const std::span<const check> of_messages = message_checks();
  checks.insert(checks.end(), of_messages.begin(), of_messages.end());
  const std::span<const check> of_parts = part_checks();
  checks.insert(checks.end(), of_parts.begin(), of_parts.end());
  const std::span<const check> of_cuts = cut_checks();
  checks.insert(checks.end(), of_cuts.begin(), of_cuts.end());
  std::vector<std::string> violations;
  std::uint64_t seed = 1;
  for (const check& c : checks) {
    try {
      bench b{make, fmt::format("check-{}", c.name), seed++};
      c.run(b);
    } catch (const broken_promise& broken) {
      violations.push_back(fmt::format("{}: {}", c.name, broken.sentence));
    } catch (...) {
      violations.push_back(fmt::format("{}: {}", c.name, describe(std::current_exception())));
    }
  }
  return violations;
}

}  // namespace testing
}  // namespace v0
}  // namespace troupe
