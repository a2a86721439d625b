// SPDX-License-Identifier: Apache-2.0
#pragma once

// The actors of this program: one per author, one per file, one per hour of the day, and one that coordinates them.
//
// Counting exactly once. Commits are numbered, oldest first, and the repository hands them out in that order. Each
// author, file and hour keeps, beside its numbers, the newest commit that is in them; both are one state, saved
// together or not at all. So a commit may be handed out again and again: who has it says no.
//
// The repository calls one actor after the other. An await ends its turn, so a crash can fall between any two calls:
// some of a commit's actors then have it and some do not. What cannot be is that `done` says N and an actor lacks
// commit N: `done` was set after the replies, and troupe never saves an effect without its causes. So the next life
// starts over at done + 1; what the crash had cut is filled in, and nothing counts twice.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <troupe/troupe.hpp>

#include "history.hpp"

namespace git_activity {

struct author {
  std::uint64_t newest = 0;  // the commit that was counted last
  std::uint64_t commits = 0;
  lines changed;

  bool count(std::uint64_t number, lines delta) {
    if (number <= newest) return false;
    newest = number;
    ++commits;
    changed += delta;
    return true;
  }
  tally total() const { return {commits, changed}; }

  using actor = troupe::actor<author, &author::count, &author::total>;
};

struct file {
  std::uint64_t newest = 0;
  std::uint64_t touched = 0;
  lines changed;

  bool count(std::uint64_t number, lines delta) {
    if (number <= newest) return false;
    newest = number;
    ++touched;
    changed += delta;
    return true;
  }
  tally total() const { return {touched, changed}; }

  using actor = troupe::actor<file, &file::count, &file::total>;
};

struct hour {
  std::uint64_t newest = 0;
  std::uint64_t commits = 0;

  bool count(std::uint64_t number) {
    if (number <= newest) return false;
    newest = number;
    ++commits;
    return true;
  }
  std::uint64_t total() const { return commits; }

  using actor = troupe::actor<hour, &hour::count, &hour::total>;
};

/// The coordinator: knows every author, file and hour by name, and how far all of them have got.
struct repository {
  std::uint64_t done = 0;  // commits 1 to done are counted by everyone
  std::set<std::string> authors, files, hours;
  troupe::transient<std::uint64_t> repeats;  // effects that were there already, since this life began

  troupe::task<std::uint64_t> record(troupe::context<repository>& c, std::vector<commit> batch) {
    for (const commit& next : batch) {
      if (next.number <= done) continue;
      co_await hand_out(c.client(), next);
      done = next.number;
    }
    co_return done;
  }

  /// Commits on disk, and effects that were found to be.
  progress state() const { return {done, *repeats}; }

  troupe::task<summary> survey(troupe::context<repository>& c) const {
    const troupe::client& actors = c.client();
    summary all;
    all.commits = done;
    for (const std::string& name : authors) {
      const auto who = actors.get_or_create<author>(key_of(name));
      const auto total = co_await who.call<&author::total>();
      all.authors.emplace(name, total);
    }
    for (const std::string& path : files) {
      const auto touched = actors.get_or_create<file>(key_of(path));
      const auto total = co_await touched.call<&file::total>();
      all.files.emplace(path, total);
    }
    for (const std::string& each : hours) {
      const auto when = actors.get_or_create<hour>(each);
      const auto total = co_await when.call<&hour::total>();
      all.hours.emplace(each, total);
    }
    co_return all;
  }

  // Exclusive: two batches at once would hand out commits in any order, and a survey amid one would be of no moment.
  using actor = troupe::actor<repository, troupe::exclusive<&repository::record>, &repository::state,
                              troupe::exclusive<&repository::survey>>;

 private:
  // Indexed first, counted next: whatever has counted is known here, also after a crash between the two.
  troupe::task<> hand_out(const troupe::client& actors, const commit& next) {
    authors.insert(next.author);
    hours.insert(next.hour);
    for (const change& each : next.changes) {
      files.insert(each.path);
      const auto touched = actors.get_or_create<file>(key_of(each.path));
      const bool is_new = co_await touched.call<&file::count>(next.number, each.delta);
      if (!is_new) ++*repeats;
    }
    const auto who = actors.get_or_create<author>(key_of(next.author));
    const bool is_new = co_await who.call<&author::count>(next.number, next.sum());
    if (!is_new) ++*repeats;
    const auto when = actors.get_or_create<hour>(next.hour);
    const bool is_new_hour = co_await when.call<&hour::count>(next.number);
    if (!is_new_hour) ++*repeats;
  }
};

}  // namespace git_activity
