// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <filesystem>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <sys/resource.h>

#include <troupe/store/sqlite_store.hpp>
#include <troupe/testing/simulated_disk.hpp>

#include "child_process.hpp"
#include "store_calls.hpp"
#include "temporary_directory.hpp"

using namespace store_calls;
using Catch::Matchers::Contains;
using operation = troupe::testing::disk_operation;
using outcome = troupe::commit_request::outcome;
using troupe::testing::disk_effect;
using troupe::testing::simulated_disk;

namespace {

/// Opens what a killed process would leave behind now, elsewhere.
std::unique_ptr<troupe::store> after_a_crash(const simulated_disk& disk) {
  simulated_disk elsewhere;
  for (const char* file : {"app.db", "app.db-wal"}) elsewhere.replace(file, disk.contents(file));
  return elsewhere.sqlite()();
}

troupe::commit_request update_both(troupe::store& store, std::string_view state) {
  const troupe::bytes bytes = to_bytes(state);
  return commit(store, {update(1, bytes), update(2, bytes)});
}

/// The actor's state becomes `number`. It sends a message of that number, and the one before it arrives and takes the
/// place of the only one that the actor had.
troupe::commit_request pass_on(troupe::store& store, std::uint8_t actor, std::uint64_t number) {
  const troupe::bytes state = to_bytes(std::to_string(number));
  const troupe::bytes content = to_bytes("sent");
  const troupe::bytes body = to_bytes("arrived");
  const troupe::write_set::sent_message sent{.id = number, .content = content};
  troupe::write_set::message put;
  put.id = number - 1;
  put.body = body;
  const std::uint64_t removed = number - 2;
  troupe::write_set write = update(actor, state);
  write.sent = {&sent, 1};
  if (number > 1) {
    write.messages = {&put, 1};
    write.arrived = {&put.id, 1};
  }
  if (number > 2) write.removed = {&removed, 1};
  return commit(store, {write});
}

}  // namespace

TEST_CASE("a commit that could not be written left no trace and can be made again", "[store][sqlite]") {
  simulated_disk disk;
  const auto store = disk.sqlite()();
  REQUIRE(is_committed(create(*store, 1, "before")));
  const auto [effect, code] = GENERATE(table<disk_effect, std::string>({{disk_effect::full, "store.full"},
                                                                        {disk_effect::error, "store.failed"},
                                                                        {disk_effect::read_only, "store.read_only"}}));
  const std::uint64_t after = GENERATE(0, 1, 2, 3);  // frames go out in two writes each
  disk.fail(operation::write, "-wal", {.effect = effect, .after = after, .times = 1});
  const auto failed = update(*store, 1, std::string(20'000, 'x'));
  CHECK(failed.result == outcome::failed);
  CHECK_THAT(text_of(failed.failure), Contains(code) && Contains("app.db"));
  CHECK(load(*store, 1) == "before");
  CHECK(load(*after_a_crash(disk), 1) == "before");
  CHECK(is_committed(update(*store, 1, "after")));
  CHECK(load(*after_a_crash(disk), 1) == "after");
}

TEST_CASE("a commit finds room in the log's file, so that it need not wait for a new size", "[store][sqlite]") {
  static const simulated_disk* disk = nullptr;
  static std::size_t size_when_done = 0;
  simulated_disk here;
  disk = &here;
  const auto store = here.sqlite()();
  REQUIRE(is_committed(create(*store, 1, "")));
  for (int i = 0; i != 500; ++i) {
    const std::size_t size_before = here.contents("app.db-wal").size();
    const troupe::bytes state = to_bytes(std::to_string(i));
    troupe::commit_request request;
    request.writes = {update(1, state)};
    request.done = [](troupe::commit_request&) noexcept { size_when_done = disk->contents("app.db-wal").size(); };
    store->commit(request);
    REQUIRE(is_committed(request));
    REQUIRE(size_when_done == size_before);
  }
  CHECK(load(*after_a_crash(here), 1) == "499");
}

TEST_CASE("a commit of messages that could not be written left no trace and can be made again", "[store][sqlite]") {
  simulated_disk disk;
  const auto store = disk.sqlite()();
  REQUIRE(is_committed(create(*store, 1, "state")));
  REQUIRE(is_committed(send_and_put(*store, 1, 1, "before")));
  const std::uint64_t after = GENERATE(0, 1, 2, 3);
  disk.fail(operation::write, "-wal", {.effect = disk_effect::full, .after = after, .times = 1});
  const auto failed = send_and_put(*store, 1, 2, std::string(20'000, 'x'));
  REQUIRE(disk.failures() == 1);
  CHECK(failed.result == outcome::failed);
  const auto left = after_a_crash(disk);
  for (troupe::store* each : {store.get(), left.get()}) {
    CHECK(messages(*each, 1) == "1:before");
    CHECK(outgoing(*each) == "1:before");
  }
  CHECK(is_committed(send_and_put(*store, 1, 2, "after")));
  const auto later = after_a_crash(disk);
  CHECK(messages(*later, 1) == "1:before 2:after");
  CHECK(outgoing(*later) == "1:before 2:after");
}

TEST_CASE("a commit that failed when all was written is put out of reach", "[store][sqlite]") {
  simulated_disk disk;
  const auto store = disk.sqlite()();
  REQUIRE(is_committed(create(*store, 1, "before")));
  disk.fail(operation::sync, "-wal", {.times = 1});
  const auto failed = update(*store, 1, "lost");
  REQUIRE(disk.failures() == 1);
  CHECK(failed.result == outcome::failed);
  CHECK_THAT(text_of(failed.failure), Contains("store.failed") && Contains("app.db"));
  CHECK(load(*store, 1) == "before");
  CHECK(load(*after_a_crash(disk), 1) == "before");
  CHECK(is_committed(update(*store, 1, "after")));
  CHECK(load(*after_a_crash(disk), 1) == "after");
}

TEST_CASE("a commit for whose frames the log's index has no room is put out of reach", "[store][sqlite]") {
  simulated_disk disk;
  const auto store = disk.sqlite("app.db", {.synchronous = troupe::synchronous::normal})();
  REQUIRE(is_committed(create(*store, 1, "before")));
  disk.fail(operation::share, "app.db", {.effect = disk_effect::full, .times = 1});
  const auto failed = update(*store, 1, std::string(20'000'000, 'x'));  // more frames than the index's first pages hold
  REQUIRE(disk.failures() == 1);
  CHECK(failed.result == outcome::failed);
  CHECK(load(*store, 1) == "before");
  CHECK(load(*after_a_crash(disk), 1) == "before");
  CHECK(is_committed(update(*store, 1, "after")));
}

TEST_CASE("a commit of which nobody can tell is reported as unknown", "[store][sqlite]") {
  simulated_disk disk;
  const auto store = disk.sqlite()();
  REQUIRE(is_committed(create(*store, 1, "before")));
  disk.fail(operation::sync, "-wal");
  const auto failed = update(*store, 1, "perhaps");
  CHECK(failed.result == outcome::unknown);
  CHECK_THAT(text_of(failed.failure), Contains("store.failed"));
  disk.heal();
}

TEST_CASE("a failed checkpoint fails no commit", "[store][sqlite]") {
  simulated_disk disk;
  const auto store = disk.sqlite("app.db", {.synchronous = troupe::synchronous::normal})();
  REQUIRE(is_committed(create(*store, 1, "")));
  disk.fail(operation::write, "app.db", {.effect = disk_effect::full});
  for (char c = 'a'; c != 'u'; ++c) REQUIRE(is_committed(update(*store, 1, std::string(1'000'000, c))));
  CHECK(disk.failures() > 0);
  disk.heal();
  for (char c = 'A'; c != 'U'; ++c) REQUIRE(is_committed(update(*store, 1, std::string(1'000'000, c))));
  CHECK(disk.contents("app.db").size() > 1'000'000);
  CHECK(load(*store, 1) == std::string(1'000'000, 'T'));
}

TEST_CASE("a failed commit does not leave its definitions half known", "[store][sqlite]") {
  simulated_disk disk;
  {
    const auto store = disk.sqlite()();
    disk.fail(operation::write, "-wal", {.effect = disk_effect::full, .times = 1});
    CHECK(create(*store, 1, "a", "key", "first").result == outcome::failed);
    REQUIRE(is_committed(create(*store, 2, "b", "key", "second")));
    REQUIRE(is_committed(create(*store, 1, "a", "key", "first")));
  }
  const auto store = disk.sqlite()();
  CHECK(load(*store, 1) == "a");
  CHECK(load(*store, 2) == "b");
}

TEST_CASE("a disk that is really full fails commits until there is room", "[store][sqlite]") {
  const temporary_directory directory;
  child_process child{[&](const child_process::mouth&) {
    std::signal(SIGXFSZ, SIG_IGN);
    const auto store = troupe::sqlite{directory / "app.db"}();
    if (!is_committed(create(*store, 1, "before"))) return false;
    rlimit old{};
    if (::getrlimit(RLIMIT_FSIZE, &old) != 0) return false;
    const rlimit small{64 * 1024, old.rlim_max};
    if (::setrlimit(RLIMIT_FSIZE, &small) != 0) return false;
    const auto failed = update(*store, 1, std::string(200'000, 'x'));
    if (failed.result != outcome::failed) return false;
    if (text_of(failed.failure).find("store.full") == std::string::npos) return false;
    if (load(*store, 1) != "before") return false;
    if (::setrlimit(RLIMIT_FSIZE, &old) != 0) return false;
    return is_committed(update(*store, 1, std::string(200'000, 'x')));
  }};
  REQUIRE(child.wait() == 0);
  CHECK(load(*troupe::sqlite{directory / "app.db"}(), 1) == std::string(200'000, 'x'));
}

TEST_CASE("a process killed while it commits leaves whole commits, and all that it reported", "[store][sqlite]") {
  const temporary_directory directory;
  const std::string path = directory / "app.db";
  const int reports = GENERATE(1, 7, 40);
  child_process child{[&](const child_process::mouth& mouth) {
    const auto store = troupe::sqlite{path}();
    if (!is_committed(create(*store, 1, "0")) || !is_committed(create(*store, 2, "0"))) return false;
    for (int number = 1;; ++number) {
      if (!is_committed(update_both(*store, std::to_string(number)))) return false;
      mouth.say('.');
    }
  }};
  for (int heard = 0; heard != reports; ++heard) REQUIRE(child.hear() == '.');
  child.kill();
  if (GENERATE(false, true)) write_file(path + "-shm", "garbage: the index of the log is made anew");
  const auto store = troupe::sqlite{path}();
  const std::string first = load(*store, 1).value();
  CHECK(load(*store, 2) == first);
  CHECK(std::stoi(first) >= reports);
  CHECK(is_committed(update_both(*store, "next")));
}

TEST_CASE("a process killed while messages arrive leaves each in one place", "[store][sqlite]") {
  const temporary_directory directory;
  const std::string path = directory / "app.db";
  const int reports = GENERATE(1, 7, 40);
  child_process child{[&](const child_process::mouth& mouth) {
    const auto store = troupe::sqlite{path}();
    if (!is_committed(create(*store, 1, "0"))) return false;
    for (std::uint64_t number = 1;; ++number) {
      if (!is_committed(pass_on(*store, 1, number))) return false;
      mouth.say('.');
    }
  }};
  for (int heard = 0; heard != reports; ++heard) REQUIRE(child.hear() == '.');
  child.kill();
  const auto store = troupe::sqlite{path}();
  const std::string number = load(*store, 1).value();
  CHECK(std::stoi(number) >= reports);
  CHECK(messages(*store, 1) == (number == "1" ? "" : std::to_string(std::stoi(number) - 1) + ":arrived"));
  CHECK(outgoing(*store) == number + ":sent");
}

TEST_CASE("a log that was cut off anywhere leaves whole commits", "[store][sqlite]") {
  const temporary_directory directory;
  const std::string path = directory / "app.db";
  child_process child{[&](const child_process::mouth& mouth) {
    const auto store = troupe::sqlite{path}();
    if (!is_committed(create(*store, 1, "0")) || !is_committed(create(*store, 2, "0"))) return false;
    for (char digit = '1'; digit != '9'; ++digit) {
      if (!is_committed(update_both(*store, std::string(3000, digit)))) return false;
    }
    mouth.say('r');
    wait_for_the_end();
  }};
  REQUIRE(child.hear() == 'r');
  child.kill();
  const std::string log = read_file(path + "-wal");
  const std::string base = read_file(path);
  for (std::size_t size = log.size(); size > 100'000; size -= 1777) {
    write_file(path, base);
    write_file(path + "-wal", std::string_view{log}.substr(0, size));
    std::filesystem::remove(path + "-shm");
    const auto store = troupe::sqlite{path, {.synchronous = troupe::synchronous::normal}}();
    REQUIRE(load(*store, 1).has_value());
    CHECK(load(*store, 1) == load(*store, 2));
  }
}
