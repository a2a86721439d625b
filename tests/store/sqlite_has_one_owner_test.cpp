// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <filesystem>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <sqlite3.h>

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <troupe/troupe.hpp>

#include "child_process.hpp"
#include "store_calls.hpp"
#include "temporary_directory.hpp"

using namespace store_calls;
using Catch::Matchers::Contains;
using outcome = troupe::commit_request::outcome;

namespace {

struct counter {
  int value = 0;
  int increment() { return ++value; }
  using actor = troupe::actor<counter, &counter::increment>;
};

std::string refusal(const std::string& path) {
  return error_of([&] { troupe::sqlite{path}()->close(); });
}

}  // namespace

TEST_CASE("a second runtime in the same process is refused under every name of the file", "[store][sqlite]") {
  const temporary_directory directory;
  const std::string path = directory / "app.db";
  std::filesystem::create_symlink("app.db", directory / "link.db");
  const bool by_link = GENERATE(false, true);
  const auto store = troupe::sqlite{by_link ? directory / "link.db" : path}();
  REQUIRE(is_committed(create(*store, 1, "mine")));
  std::filesystem::create_directory(directory / "folder");
  for (const std::string& name : {path, directory / "link.db", directory / "folder/../app.db"}) {
    CHECK_THAT(refusal(name),
               Contains("store.in_use") && Contains("app.db") && Contains("another runtime of this process"));
  }
  std::filesystem::create_hard_link(path, directory / "hard.db");
  CHECK_THAT(refusal(directory / "hard.db"), Contains("store.in_use") && Contains("hard links"));
  std::filesystem::remove(directory / "hard.db");
  CHECK(is_committed(update(*store, 1, "still mine")));
  store->close();
  CHECK(refusal(path).empty());
}

TEST_CASE("a second process is refused and told who owns the file", "[store][sqlite]") {
  const temporary_directory directory;
  const std::string path = directory / "app.db";
  child_process owner{[&](const child_process::mouth& mouth) {
    const auto store = troupe::sqlite{path}();
    if (!is_committed(create(*store, 1, "kept"))) return false;
    mouth.say('r');
    wait_for_the_end();
  }};
  REQUIRE(owner.hear() == 'r');
  CHECK_THAT(refusal(path),
             Contains("store.in_use") && Contains(path) && Contains(fmt::format("process {}", owner.pid())));
  owner.kill();
  const auto store = troupe::sqlite{path}();
  CHECK(load(*store, 1) == "kept");
}

TEST_CASE("ownership is free after closing, and an opening that failed leaves none behind", "[store][sqlite]") {
  const temporary_directory directory;
  const std::string path = directory / "app.db";
  write_file(path, "not a database");
  CHECK_THAT(refusal(path), Contains("store.not_a_database"));
  std::filesystem::remove(path);
  for (int opening = 0; opening != 3; ++opening) CHECK(refusal(path).empty());
  CHECK(std::filesystem::exists(path + "-troupe-lock"));
}

TEST_CASE("of many processes that open the file at once, one at a time has it", "[store][sqlite]") {
  const temporary_directory directory;
  const std::string path = directory / "app.db";
  const auto open_often = [&](const child_process::mouth&) {
    int owned = 0;
    while (owned != 20) {
      try {
        const auto store = troupe::sqlite{path, {.synchronous = troupe::synchronous::normal}}();
        if (std::filesystem::exists(directory / "inside")) return false;
        std::filesystem::create_directory(directory / "inside");
        std::filesystem::remove(directory / "inside");
        ++owned;
      } catch (const troupe::error& e) {
        if (!e.is(troupe::errc::store_in_use)) return false;
      }
    }
    return true;
  };
  child_process first{open_often};
  child_process second{open_often};
  child_process third{open_often};
  CHECK(first.wait() == 0);
  CHECK(second.wait() == 0);
  CHECK(third.wait() == 0);
}

TEST_CASE("an owner whose lock file was removed notices another one before it acknowledges", "[store][sqlite]") {
  const temporary_directory directory;
  const std::string path = directory / "app.db";
  const auto first = troupe::sqlite{path}();
  REQUIRE(is_committed(create(*first, 1, "before")));
  std::filesystem::remove(path + "-troupe-lock");
  REQUIRE(is_committed(update(*first, 1, "still the only owner")));
  {
    const auto second = troupe::sqlite{path}();
    const auto failed = update(*first, 1, "lost");
    CHECK(failed.result == outcome::not_owner);
    CHECK_THAT(text_of(failed.failure), Contains("store.in_use") && Contains("app.db") && Contains("another runtime"));
    for (int i = 0; i != 50; ++i) REQUIRE(is_committed(update(*second, 1, std::to_string(i))));
    first->close();  // which must drop neither the second's rows of the log nor its lock
    CHECK_THAT(refusal(path), Contains("store.in_use"));
    CHECK(load(*second, 1) == "49");
  }
  CHECK(load(*troupe::sqlite{path}(), 1) == "49");
}

TEST_CASE("an owner notices another process that came and went", "[store][sqlite]") {
  const temporary_directory directory;
  const std::string path = directory / "app.db";
  const auto first = troupe::sqlite{path}();
  REQUIRE(is_committed(create(*first, 1, "before")));
  std::filesystem::remove(path + "-troupe-lock");
  child_process second{[&](const child_process::mouth&) {
    const auto store = troupe::sqlite{path}();
    return is_committed(update(*store, 1, "theirs"));
  }};
  REQUIRE(second.wait() == 0);
  CHECK(update(*first, 1, "lost").result == outcome::not_owner);
  CHECK(update(*first, 1, "lost").result == outcome::not_owner);
  first->close();
  CHECK(load(*troupe::sqlite{path}(), 1) == "theirs");
}

namespace {

constexpr int losses = 6;

/// So that `above/data/app.db` of the directory is no longer what it was.
void take_away(const temporary_directory& directory, int how) {
  const std::string path = directory / "above/data/app.db";
  switch (how) {
    case 0: std::filesystem::rename(path, directory / "moved"); break;
    case 1: std::filesystem::remove(path); break;
    case 2:
      write_file(directory / "other", "");
      std::filesystem::rename(directory / "other", path);
      break;
    case 3: std::filesystem::rename(directory / "above/data", directory / "old"); break;
    case 4: std::filesystem::rename(directory / "above", directory / "old"); break;
    default: std::filesystem::remove_all(directory / "above");
  }
}

}  // namespace

TEST_CASE("nothing is acknowledged once the database was renamed, replaced or removed", "[store][sqlite]") {
  const temporary_directory directory;
  std::filesystem::create_directories(directory / "above/data");
  const std::string path = directory / "above/data/app.db";
  const auto store = troupe::sqlite{path}();
  REQUIRE(is_committed(create(*store, 1, "before")));
  take_away(directory, GENERATE(range(0, losses)));
  for (int i = 0; i != 2; ++i) {
    const auto open = update(*store, 1, "perhaps");
    CHECK(open.result == outcome::unknown);
    CHECK_THAT(text_of(open.failure), Contains("store.failed") && Contains(path) && Contains("moved"));
  }
}

TEST_CASE("what is no loss stops no owner and hides no later loss", "[store][sqlite]") {
  const temporary_directory directory;
  std::filesystem::create_directories(directory / "above/data");
  const std::string path = directory / "above/data/app.db";
  const auto store = troupe::sqlite{path}();
  REQUIRE(is_committed(create(*store, 1, "before")));
  switch (GENERATE(range(0, 4))) {
    case 0:
      std::filesystem::permissions(path, std::filesystem::perms::owner_exec, std::filesystem::perm_options::add);
      break;
    case 1:
      std::filesystem::create_hard_link(path, directory / "link");
      std::filesystem::remove(directory / "link");
      break;
    case 2:
      std::filesystem::rename(path, directory / "moved");
      std::filesystem::rename(directory / "moved", path);
      break;
    default:
      std::filesystem::rename(directory / "above", directory / "old");
      std::filesystem::rename(directory / "old", directory / "above");
  }
  for (int i = 0; i != 2; ++i) REQUIRE(is_committed(update(*store, 1, "after " + std::to_string(i))));
  take_away(directory, GENERATE(range(0, losses)));
  CHECK(update(*store, 1, "perhaps").result == outcome::unknown);
}

TEST_CASE("nothing is acknowledged once something was mounted over the database", "[store][sqlite]") {
  const temporary_directory directory;
  std::filesystem::create_directories(directory / "above/data");
  const std::string path = directory / "above/data/app.db";
  const std::string over = directory / (GENERATE(false, true) ? "above" : "above/data");
  child_process owner{[&](const child_process::mouth& mouth) {
    const bool may_mount =
        ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    if (!may_mount) return true;
    mouth.say('m');
    const auto store = troupe::sqlite{path}();
    if (!is_committed(create(*store, 1, "before"))) return false;
    if (::mount("none", over.c_str(), "tmpfs", 0, nullptr) != 0) return false;
    return update(*store, 1, "perhaps").result == outcome::unknown;
  }};
  if (owner.hear() != 'm') WARN("this process may not mount");
  CHECK(owner.wait() == 0);
}

TEST_CASE("nothing is acknowledged once the log was removed or replaced", "[store][sqlite]") {
  const temporary_directory directory;
  const std::string path = directory / "app.db";
  const auto store = troupe::sqlite{path}();
  REQUIRE(is_committed(create(*store, 1, "before")));
  if (GENERATE(false, true)) {
    std::filesystem::remove(path + "-wal");
  } else {
    write_file(directory / "other", "");
    std::filesystem::rename(directory / "other", path + "-wal");
  }
  CHECK(update(*store, 1, "perhaps").result == outcome::unknown);
}

TEST_CASE("a database that is put back has all acknowledged changes", "[store][sqlite]") {
  const temporary_directory directory;
  const std::string path = directory / "app.db";
  const auto store = troupe::sqlite{path}();
  REQUIRE(is_committed(create(*store, 1, "before")));
  std::filesystem::rename(path, directory / "moved");
  REQUIRE(update(*store, 1, "perhaps").result == outcome::unknown);
  {
    const auto other = troupe::sqlite{directory / "new.db"}();
    REQUIRE(is_committed(create(*other, 1, "another's")));
    other->close();
  }
  store->close();
  std::filesystem::rename(directory / "moved", path);
  CHECK_THAT(load(*troupe::sqlite{path}(), 1).value(), Contains("before") || Contains("perhaps"));
}

TEST_CASE("a runtime whose database was taken away says so, and acknowledges nothing", "[store][sqlite]") {
  const temporary_directory directory;
  const std::string path = directory / "app.db";
  troupe::registry registry;
  registry.use<counter>("counter");
  troupe::runtime runtime{registry, {.store = troupe::sqlite{path}, .logger = [](troupe::log_level, std::string_view) {}}};
  const auto one = runtime.client().get_or_create<counter>("one");
  CHECK(one.call<&counter::increment>().get() == 1);
  std::filesystem::remove(path);
  CHECK_THAT(error_of([&] { one.call<&counter::increment>().get(); }), Contains("store.unavailable"));
  CHECK_THAT(runtime.health().store_error, Contains(path) && Contains("removed"));
  CHECK_THAT(error_of([&] { one.call<&counter::increment>().get(); }), Contains("store.refuses_changes"));
}

namespace {

// Of the connection that commits next.
std::string renamed_in_commit;  // NOLINT

int rename_in_commit(void*) {
  if (!renamed_in_commit.empty()) std::filesystem::rename(renamed_in_commit, renamed_in_commit + "-moved");
  renamed_in_commit.clear();
  return 0;
}

int install_rename(sqlite3* connection, char**, const sqlite3_api_routines*) {
  sqlite3_commit_hook(connection, &rename_in_commit, nullptr);
  return SQLITE_OK;
}

}  // namespace

TEST_CASE("a commit whose database was renamed meanwhile is not acknowledged", "[store][sqlite]") {
  const temporary_directory directory;
  const std::string path = directory / "app.db";
  auto* const install = reinterpret_cast<void (*)()>(&install_rename);
  REQUIRE(sqlite3_auto_extension(install) == SQLITE_OK);
  const auto store = troupe::sqlite{path}();
  sqlite3_cancel_auto_extension(install);
  REQUIRE(is_committed(create(*store, 1, "before")));
  renamed_in_commit = path;
  const auto open = update(*store, 1, "perhaps");
  CHECK(open.result == outcome::unknown);
  CHECK_THAT(text_of(open.failure), Contains("moved"));
}

TEST_CASE("a process that the owner forked does not keep the file when the owner dies", "[store][sqlite]") {
  const temporary_directory directory;
  const std::string path = directory / "app.db";
  pid_t worker = 0;
  child_process owner{[&](const child_process::mouth& mouth) {
    const auto store = troupe::sqlite{path}();
    if (!is_committed(create(*store, 1, "kept"))) return false;
    const pid_t forked = ::fork();
    if (forked == 0) {
      mouth.say('!');  // it runs
      wait_for_the_end();
    }
    for (const char digit : std::to_string(forked)) mouth.say(digit);
    mouth.say('.');
    wait_for_the_end();
  }};
  for (bool runs = false, is_known = false; !runs || !is_known;) {
    const char said = owner.hear();
    REQUIRE(said != '\0');
    runs = runs || said == '!';
    is_known = is_known || said == '.';
    if (said >= '0' && said <= '9') worker = worker * 10 + (said - '0');
  }
  CHECK_THAT(refusal(path), Contains(fmt::format("process {}", owner.pid())));
  owner.kill();
  REQUIRE(::kill(worker, 0) == 0);
  CHECK(refusal(path).empty());
  ::kill(worker, SIGKILL);
}

TEST_CASE("a process that the owner forked does not end the ownership when it goes", "[store][sqlite]") {
  const temporary_directory directory;
  const std::string path = directory / "app.db";
  auto store = troupe::sqlite{path}();
  REQUIRE(is_committed(create(*store, 1, "before")));
  child_process worker{[&](const child_process::mouth&) {
    store->close();
    store.reset();
    return true;
  }};
  REQUIRE(worker.wait() == 0);
  CHECK_THAT(refusal(path), Contains("store.in_use"));
  CHECK(is_committed(update(*store, 1, "after")));
  store->close();
  CHECK(load(*troupe::sqlite{path}(), 1) == "after");
}
