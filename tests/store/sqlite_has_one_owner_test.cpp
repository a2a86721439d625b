#include <filesystem>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <troupe/store/sqlite_store.hpp>

#include "child_process.hpp"
#include "store_calls.hpp"
#include "temporary_directory.hpp"

using namespace store_calls;
using Catch::Matchers::Contains;

namespace {

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
