// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <limits>
#include <map>
#include <random>
#include <thread>
#include <tuple>

#include <fmt/format.h>

#include "store_driver.hpp"
#include "zeros.hpp"

// The checks of rows of parts.

namespace troupe {
inline namespace v0 {
namespace testing {
namespace store_checking {
namespace {

using rows = std::vector<part_record>;
using moment = std::chrono::sys_time<std::chrono::milliseconds>;
using namespace std::chrono_literals;

constexpr std::uint32_t last_collection = std::numeric_limits<std::uint32_t>::max();

part_record row(std::uint32_t collection, std::string_view key, std::string_view value = "value",
                std::optional<moment> due = {}) {
  return {.collection = collection, .key = to_bytes(key), .value = to_bytes(value), .due = due};
}

rows rows_of(opened& store, const actor_record& actor, std::uint32_t collection) {
  return store.parts({.actor = actor.id, .collection = collection, .limit = 1'000'000});
}

void has_rows(opened& store, const actor_record& actor, const rows& wanted, std::string_view promise) {
  for (const std::uint32_t collection : {0U, 1U, 2U}) {
    rows some;
    std::ranges::copy_if(wanted, std::back_inserter(some),
                         [&](const part_record& each) { return each.collection == collection; });
    expect(same(rows_of(store, actor, collection), some), promise);
  }
}

// Those of this check's actors.
std::vector<due_request::row> due_of(bench& b, opened& store) {
  std::vector<due_request::row> found = store.due();
  std::erase_if(found, [&](const due_request::row& each) { return each.actor_name != b.name; });
  return found;
}

due_request::place place_of(const actor_record& actor, const part_record& of) {
  return {.due = of.due.value(), .actor = actor.id, .collection = of.collection, .key = of.key};
}

void are_due(const std::vector<due_request::row>& found, const std::vector<due_request::place>& wanted,
             std::string_view promise) {
  const auto same_place = [](const due_request::place& a, const due_request::place& b) { return a == b; };
  expect(std::ranges::equal(found, wanted, same_place), promise);
}

// -- the checks -----------------------------------------------------------------------------------------------------

void every_field_of_parts(bench& b) {
  const actor_record actor = b.actor("a");
  const actor_record other = b.actor("b");
  const rows all{
      row(0, "", ""),
      row(0, std::string_view{"\0\xff binary \0", 11}, std::string_view{"\0\xfe binary \0", 11}, to_time(0) - 1ms),
      row(7, std::string(2048, 'k'), "under a long key"),
      row(7, "large", std::string(1 << 20, 'x'), to_time(4'102'444'800'123)),
      row(last_collection, "", "last", to_time(0)),
  };
  const rows others{row(7, "large", "of another actor")};
  const std::uint32_t collections[] = {0, 7, last_collection};
  {
    opened store{b.make};
    store.commit(batch{}.create(actor).put_parts({all[4], all[2], all[0], all[3], all[1]}).create(other)
                     .put_parts(others));
    std::optional<actor_record> found = store.load_with_parts(actor.id, collections);
    expect(found && same(found->parts, all),
           "rows of parts are loaded in the order of collections and keys, every field of them");
    expect(same(*found, actor), "an actor that is created with parts is there");
    expect(same(rows_of(store, other, 7), others), "rows of parts belong to an actor");
    found = store.load_with_parts(actor.id, std::span{collections}.subspan(1, 1));
    expect(found && same(found->parts, {all[2], all[3]}), "parts are loaded only if they are asked for");
    expect(store.load(actor.id)->parts.empty(), "parts are loaded only if they are asked for");
  }
  opened store{b.make};
  const std::optional<actor_record> found = store.load_with_parts(actor.id, collections);
  expect(found && same(found->parts, all), "rows of parts are there after reopening");
  expect(rows_of(store, b.actor("nobody"), 0).empty(), "an actor that does not exist has no parts");
  are_due(due_of(b, store), {place_of(actor, all[1]), place_of(actor, all[4]), place_of(actor, all[3])},
          "what is due is listed after reopening, in the order of time");
}

void changing_parts(bench& b) {
  opened store{b.make};
  actor_record actor = b.actor("a", "");
  actor.initialised = false;
  actor.input = to_bytes("input");
  actor.version = 7;
  rows there{row(0, "x", "one", b.first_moment()), row(0, "y", "two"), row(1, "x", "three")};
  store.commit(batch{}.create(actor));
  store.commit(batch{}.keep(actor.id).put_parts(there));
  store.has(actor, "keeping an actor leaves its row as it is");
  has_rows(store, actor, there, "keeping an actor adds its parts");

  there[0] = row(0, "x", "of another size");
  there[1].due = b.first_moment() + 1h;
  there[2].value.clear();
  store.commit(batch{}.keep(actor.id).put_parts(there));
  has_rows(store, actor, there, "a row of a part that is there is replaced, its value and its due time");

  actor.initialised = true;
  actor.input.reset();
  actor.state = to_bytes("state");
  there.push_back(row(1, "y", "four"));
  store.commit(batch{}.update(actor).put_parts({there[3]}));
  store.has(actor, "an update that changes parts updates");
  has_rows(store, actor, there, "an update leaves the rows of parts that were there, and adds its own");
  store.commit(batch{}.update(actor));
  has_rows(store, actor, there, "an update leaves the rows of parts that were there");

  store.commit(batch{}.keep(actor.id).put_parts({}, {there[0], there[3]}));
  there = {there[1], there[2]};
  has_rows(store, actor, there, "a row of a part that is removed is gone, and others stay");
  store.commit(batch{}.keep(actor.id).put_parts({}, {row(0, "x"), row(1, "z"), row(2, "x")}));
  has_rows(store, actor, there, "removing a row that is not there does nothing");
  store.commit(batch{}.keep(actor.id).put_parts({row(2, "x"), row(0, "y", "last")}, {row(2, "x"), row(0, "y")}));
  there.erase(there.begin());
  has_rows(store, actor, there, "of changes of one row, the last one counts");
  store.commit(batch{}.keep(actor.id).put_parts(
      {row(1, "x", "first", b.first_moment() + 1s), row(1, "x", "last", b.first_moment() + 2s)}));
  there[0] = row(1, "x", "last", b.first_moment() + 2s);
  has_rows(store, actor, there, "of changes of one row, the last one counts");
  are_due(due_of(b, store), {place_of(actor, there[0])}, "of changes of one row, the last one counts");
}

void ranges_of_parts(bench& b) {
  opened store{b.make};
  const actor_record actor = b.actor("a");
  const actor_record before = b.actor("before");
  const actor_record behind = b.actor("behind");
  rows sorted;
  for (const std::string_view key : {std::string_view{}, std::string_view{"\0", 1}, std::string_view{"a"},
                                     std::string_view{"a\0", 2}, std::string_view{"a\0z", 3}, std::string_view{"ab"},
                                     std::string_view{"b"}, std::string_view{"\x7f"}, std::string_view{"\x80"},
                                     std::string_view{"\xff"}, std::string_view{"\xff\xff"}}) {
    sorted.push_back(row(1, key, fmt::format("value {}", sorted.size())));
  }
  rows shuffled = sorted;
  std::ranges::shuffle(shuffled, b.random);
  shuffled.insert(shuffled.begin(), {row(0, "\xff\xff\xff"), row(2, "")});
  store.commit(batch{}.create(behind).put_parts({row(0, "a"), row(1, "a")}).create(actor).put_parts(shuffled)
                   .create(before).put_parts({row(1, "b"), row(2, "b")}));
  expect(same(rows_of(store, actor, 1), sorted), "rows are in the order of their keys, as bytes without a sign");

  const auto listed = [&](std::size_t from, std::size_t until, bool reverse, std::size_t limit) {
    parts_request range{.actor = actor.id, .collection = 1, .from = sorted[from].key, .reverse = reverse,
                        .limit = limit};
    if (until < sorted.size()) range.until = bytes_view{sorted[until].key};
    return store.parts(range);
  };
  for (std::size_t from = 0; from != sorted.size(); ++from) {
    for (std::size_t until = 0; until <= sorted.size(); ++until) {
      rows wanted;
      for (std::size_t at = from; at < until; ++at) wanted.push_back(sorted[at]);
      expect(same(listed(from, until, false, 100), wanted), "a range has the rows from its first key to its last");
      const std::size_t page = std::min<std::size_t>(wanted.size(), 2);
      expect(same(listed(from, until, false, 2), {wanted.begin(), wanted.begin() + static_cast<std::ptrdiff_t>(page)}),
             "a page of a range has `limit` rows");
      std::ranges::reverse(wanted);
      expect(same(listed(from, until, true, 100), wanted), "a range in reverse has the same rows, the last one first");
      expect(same(listed(from, until, true, 2), {wanted.begin(), wanted.begin() + static_cast<std::ptrdiff_t>(page)}),
             "a page in reverse has the last rows of its range");
    }
  }
  expect(listed(0, sorted.size(), false, 0).empty() && listed(0, sorted.size(), true, 0).empty(),
         "a page of no rows has none");
  expect(listed(0, sorted.size(), true, std::numeric_limits<std::size_t>::max()).size() == sorted.size(),
         "a page may be of any size");
}

void what_is_due(bench& b) {
  opened store{b.make};
  const moment now = b.first_moment();
  const actor_record first = b.actor("first");
  const actor_record second = b.actor("second");
  rows of_first{row(1, "late", "", now + 3s), row(1, "a", "", now + 1s), row(0, "z", "", now + 1s), row(0, "never")};
  const rows of_second{row(0, "z", "", now + 1s), row(0, "b", "", now + 2s), row(2, "a", "", now + 1s)};
  store.commit(batch{}.create(second).put_parts(of_second).create(first).put_parts(of_first));
  std::vector<due_request::place> wanted{
      place_of(first, of_first[2]),   place_of(first, of_first[1]),   place_of(second, of_second[0]),
      place_of(second, of_second[2]), place_of(second, of_second[1]), place_of(first, of_first[0])};
  const std::vector<due_request::row> found = due_of(b, store);
  are_due(found, wanted, "what is due is listed in the order of time, of actors, collections and keys");
  expect(found[0].actor_key == "first" && found[2].actor_key == "second", "what is due is listed with its actor's key");

  const auto page = [&](const due_request::place& after, std::size_t limit) { return store.due(after, limit); };
  are_due(page(wanted[0], 3), {wanted[1], wanted[2], wanted[3]}, "a page starts behind `after` and has `limit` rows");
  are_due(page({.due = now, .actor = {}, .key = {}}, 2), {wanted[0], wanted[1]},
          "a page starts behind `after`, which need not be there");
  due_request::place between = wanted[1];
  between.key = to_bytes("aa");
  are_due(page(between, 1), {wanted[2]}, "a page starts behind `after`, which need not be there");
  are_due(page(wanted[4], 1), {wanted[5]}, "a page starts behind `after` and has `limit` rows");
  expect(page(wanted[0], 0).empty(), "a page of no rows has none");
  expect(store.due(due_request::place{.due = moment::max(), .actor = {}, .key = {}}).empty(),
         "behind all times there is nothing");

  of_first[0].due = now;
  of_first[2].due.reset();
  store.commit(batch{}.keep(first.id).put_parts({of_first[0], of_first[2]}, {of_first[1]}));
  are_due(due_of(b, store),
          {place_of(first, of_first[0]), wanted[2], wanted[3], wanted[4]},
          "a row is due when its last change says, and not at all if that says so or it is removed");
  store.commit(batch{}.destroy(second.id));
  are_due(due_of(b, store), {place_of(first, of_first[0])}, "a destroyed actor has nothing that is due");
}

void destroying_with_parts(bench& b) {
  opened store{b.make};
  const actor_record actor = b.actor("a");
  const actor_record other = b.actor("b");
  const rows there{row(0, "x", "value", b.first_moment()), row(1, "y"), row(2, "z")};
  store.commit(batch{}.create(actor).put_parts(there).create(other).put_parts(there));
  store.commit(batch{}.destroy(actor.id));
  has_rows(store, actor, {}, "a destroyed actor's parts are gone");
  has_rows(store, other, there, "destroying an actor leaves the parts of others");
  store.commit(batch{}.create(actor));
  has_rows(store, actor, {}, "a destroyed actor's parts are gone");
  are_due(due_of(b, store), {place_of(other, there[0])}, "a destroyed actor has nothing that is due");
}

void mistakes_with_parts(bench& b) {
  opened store{b.make};
  const actor_record kept = b.actor("kept");
  const actor_record doomed = b.actor("doomed");
  const actor_record absent = b.actor("absent");
  const rows there{row(0, "x", "value", b.first_moment()), row(1, "y")};
  store.commit(batch{}.create(kept).put_parts(there).create(doomed).put_parts(there));

  const auto refused = [&](batch& rest, std::string_view promise) {
    rest.keep(kept.id).put_parts({row(0, "x", "changed"), row(2, "new", "value", b.first_moment())}, {there[1]});
    store.commit_is_refused(rest, promise);
    has_rows(store, kept, there, "a commit that failed left no trace of its changes of parts");
    has_rows(store, doomed, there, "a commit that failed left no trace of its destroys");
    are_due(due_of(b, store), {place_of(kept, there[0]), place_of(doomed, there[0])},
            "a commit that failed left no trace of what is due");
  };
  refused(batch{}.destroy(doomed.id).keep(absent.id), "keeping an actor that does not exist is refused");
  refused(batch{}.keep(absent.id).put_parts(there), "giving parts to an actor that does not exist is refused");
  refused(batch{}.destroy(doomed.id).put_parts({row(0, "z")}),
          "changing parts of an actor that is destroyed is refused");
  refused(batch{}.destroy(doomed.id).put_parts({}, {there[0]}),
          "changing parts of an actor that is destroyed is refused");

  const auto most = store->value_bytes_max();
  if (most >= too_large_max) return;
  const zeros large{most};
  const part_change change{.collection = 0, .key = large.view().first(1), .value = large.view(), .due = {}};
  batch too_large;
  refused(too_large.keep(doomed.id).change_parts({&change, 1}),
          "a row of a part whose key and value are larger than the store says it takes is refused");
}

void many_parts(bench& b) {
  constexpr std::size_t count = 4096;
  opened store{b.make};
  const actor_record actor = b.actor("a");
  rows there;
  while (there.size() < count) {
    there.push_back(row(0, fmt::format("{:04}", there.size()), "value", b.first_moment()));
  }
  rows shuffled = there;
  std::ranges::shuffle(shuffled, b.random);
  store.commit(batch{}.create(actor).put_parts(shuffled));
  has_rows(store, actor, there, "a commit of 4,096 rows of parts is there whole");
  expect(due_of(b, store).size() == count, "a commit of 4,096 rows of parts is there whole");
  std::ranges::shuffle(shuffled, b.random);
  store.commit(batch{}.keep(actor.id).put_parts({}, shuffled));
  has_rows(store, actor, {}, "a commit that removes 4,096 rows of parts removes all");
  expect(due_of(b, store).empty(), "a commit that removes 4,096 rows of parts removes all");
}

/// The actor's version says which row it has.
void parts_of_one_moment(bench& b) {
  constexpr std::uint32_t commits = 200;
  constexpr std::uint32_t reads_min = 20;  // beside commits
  opened store{b.make};
  actor_record actor = b.actor("a");
  const auto of_version = [&](std::uint32_t version) {
    return row(0, fmt::format("{:08}", version), "value", b.first_moment() + std::chrono::milliseconds{version});
  };
  store.commit(batch{}.create(actor).put_parts({of_version(1)}));
  const std::uint32_t collections[] = {0};
  std::atomic<bool> is_over = false;
  std::atomic<std::uint32_t> reads = 0;
  std::atomic<std::uint32_t> committed = 1;
  std::string broken;
  std::thread reader{[&] {
    try {
      while (!is_over) {
        const std::optional<actor_record> found = store.load_with_parts(actor.id, collections);
        expect(found && same(found->parts, {of_version(found->version)}),
               "an actor and its parts are loaded as they were at one moment");
        const std::uint32_t before = committed;
        const rows listed = rows_of(store, actor, 0);
        expect(listed.size() == 1, "a list of parts is of one moment");
        expect(of_version(before).key <= listed[0].key, "a list of parts sees every commit that has been reported");
        expect(due_of(b, store).size() == 1, "a list of what is due is of one moment");
        ++reads;
      }
    } catch (const broken_promise& promise) {
      broken = promise.sentence;
      reads = reads_min;
    }
  }};
  std::exception_ptr failure;
  try {
    for (actor.version = 2; actor.version <= commits || reads < reads_min; ++actor.version) {
      store.commit(batch{}.update(actor).put_parts({of_version(actor.version)}, {of_version(actor.version - 1)}));
      committed = actor.version;
    }
  } catch (...) {
    failure = std::current_exception();
  }
  is_over = true;
  reader.join();
  if (failure) std::rethrow_exception(failure);
  expect(broken.empty(), broken);
}

/// Actors whose parts change at random, beside a model of them, with reopening now and then.
class random_changes {
 public:
  explicit random_changes(bench& b) : bench_{b} {
    for (int at = 0; at != 4; ++at) actors_.push_back({.record = b.actor(fmt::format("{}", at)), .rows = {}});
  }

  [[nodiscard]] batch creating() const {
    batch all;
    for (const actor& each : actors_) all.create(each.record);
    return all;
  }

  [[nodiscard]] batch step() {
    batch all;
    for (actor& each : actors_) {
      if (bench_.random() % 3 == 0) continue;
      if (bench_.random() % 2 == 0) {
        each.record.state = to_bytes(fmt::format("{}", bench_.random()));
        all.update(each.record);
      } else {
        all.keep(each.record.id);
      }
      change(each, all);
    }
    return all;
  }

  void compare(opened& store) {
    std::vector<due_request::place> due;
    for (const actor& each : actors_) {
      rows wanted;
      for (const auto& [place, row] : each.rows) wanted.push_back(row);
      store.has(each.record, "every actor is as the last commit left it");
      has_rows(store, each.record, wanted, "every row of a part is as the last commit left it");
      for (const part_record& row : wanted) {
        if (row.due) due.push_back(place_of(each.record, row));
      }
    }
    std::ranges::sort(due);
    are_due(due_of(bench_, store), due, "what is due is what the last commit left");
  }

 private:
  struct actor {
    actor_record record;
    std::map<std::tuple<std::uint32_t, bytes>, part_record> rows;
  };

  void change(actor& of, batch& all) {
    rows put;
    rows removed;
    while (bench_.random() % 4 != 0) {
      part_record next = row(static_cast<std::uint32_t>(bench_.random() % 3), fmt::format("{}", bench_.random() % 12),
                             std::string(bench_.random() % 300, 'v'));
      if (bench_.random() % 3 == 0) next.due = bench_.first_moment() + std::chrono::milliseconds{bench_.random() % 8};
      const bool is_removed = bench_.random() % 3 == 0;
      (is_removed ? removed : put).push_back(std::move(next));
    }
    for (const part_record& each : put) of.rows.insert_or_assign({each.collection, each.key}, each);
    for (const part_record& each : removed) of.rows.erase({each.collection, each.key});
    all.put_parts(put, removed);
  }

  bench& bench_;
  std::vector<actor> actors_;
};

void random_parts(bench& b) {
  random_changes changes{b};
  opened{b.make}.commit(changes.creating());
  for (int opening = 0; opening != 4; ++opening) {
    opened store{b.make};
    changes.compare(store);
    for (int commit = 0; commit != 40; ++commit) {
      store.commit(changes.step());
      if (commit % 8 == 0) changes.compare(store);
    }
  }
  opened store{b.make};
  changes.compare(store);
}

constexpr check checks_of_parts[] = {
    {"every field of parts", every_field_of_parts},
    {"changing parts", changing_parts},
    {"ranges of parts", ranges_of_parts},
    {"what is due", what_is_due},
    {"destroying with parts", destroying_with_parts},
    {"mistakes with parts", mistakes_with_parts},
    {"many parts", many_parts},
    {"parts of one moment", parts_of_one_moment},
    {"random parts", random_parts},
};

}  // namespace

std::span<const check> part_checks() { return checks_of_parts; }

}  // namespace store_checking
}  // namespace testing
}  // namespace v0
}  // namespace troupe
