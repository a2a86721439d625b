// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <troupe/store/memory_store.hpp>
#include <troupe/store/sqlite_store.hpp>

#include "child_process.hpp"
#include "store_calls.hpp"
#include "temporary_directory.hpp"

using namespace store_calls;
using Catch::Matchers::Contains;

namespace {

/// Files of backups that did not end.
std::size_t leftovers(const temporary_directory& directory) {
  const std::filesystem::directory_iterator files{directory / ""};
  return static_cast<std::size_t>(std::count_if(begin(files), end(files), [](const auto& file) {
    return file.path().filename().string().find("unfinished") != std::string::npos;
  }));
}

}  // namespace

TEST_CASE("leftovers of a killed backup go with the next opening, or the next backup in the directory", "[store][backup]") {
  const temporary_directory directory;
  for (const char* const file : {"a.db-troupe-unfinished", "a.db-troupe-unfinished-journal",
                                 "b.db-troupe-unfinished-lock", "c.db-troupe-unfinished-wal"}) {
    write_file(directory / file, "left");
  }
  write_file(directory / "mine-unfinished", "somebody else's");
  REQUIRE(leftovers(directory) == 5);
  auto store = troupe::sqlite{directory / "app.db"}();
  CHECK(leftovers(directory) == 1);
  write_file(directory / "a.db-troupe-unfinished", "left");
  store->backup(directory / "other.db");
  CHECK(leftovers(directory) == 1);
  CHECK(read_file(directory / "mine-unfinished") == "somebody else's");
}

TEST_CASE("a backup that is being written stays, and no other is written in its place", "[store][backup]") {
  const temporary_directory directory;
  const std::string unfinished = directory / "a.db-troupe-unfinished";
  write_file(unfinished, "being written");
  const int lock = ::open((unfinished + "-lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  REQUIRE(::flock(lock, LOCK_EX | LOCK_NB) == 0);
  const auto store = troupe::sqlite{directory / "app.db"}();
  CHECK_THAT(error_of([&] { store->backup(directory / "a.db"); }), Contains("store.failed") && Contains("another one"));
  store->backup(directory / "b.db");
  CHECK(read_file(unfinished) == "being written");
  ::close(lock);
  store->backup(directory / "a.db");
  CHECK(leftovers(directory) == 0);
}

TEST_CASE("whenever a process that writes backups is killed, nothing of them is left in the end", "[store][backup]") {
  const temporary_directory directory;
  const bool in_memory = GENERATE(false, true);
  for (int round = 0; round != 5; ++round) {
    child_process writer{[&](const child_process::mouth& mouth) {
      const auto store = in_memory ? troupe::memory{}() : troupe::sqlite{directory / "app.db"}();
      static_cast<void>(create(*store, 1, std::string(3'000'000, 'x')));
      for (int i = 0;; ++i) {
        mouth.say('b');
        store->backup(directory / ("copy-" + std::to_string(round) + "-" + std::to_string(i)));
      }
      return true;
    }};
    for (int i = 0; i != round + 1; ++i) REQUIRE(writer.hear() == 'b');
    writer.kill();
  }
  const auto store = troupe::sqlite{directory / "app.db"}();
  CHECK(leftovers(directory) == 0);
  std::vector<std::string> copies;
  for (const auto& file : std::filesystem::directory_iterator{directory / ""}) {
    const std::string name = file.path().filename().string();
    if (name.starts_with("copy-") && name.find("-troupe-") == std::string::npos) copies.push_back(file.path().string());
  }
  for (const std::string& copy : copies) CHECK(load(*troupe::sqlite{copy}(), 1) == std::string(3'000'000, 'x'));
}
