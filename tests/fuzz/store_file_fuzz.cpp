// SPDX-License-Identifier: Apache-2.0
// The store's file: any database and any log beside it. It is opened as a store, read to its end, written to, closed and
// opened again; or it is refused, and kept as it was for rescue.

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <troupe/store/sqlite_store.hpp>

#include "fuzz.hpp"
#include "store/temporary_directory.hpp"
#include "write_ahead_log.hpp"

namespace {

using fuzz::check;

constexpr std::size_t page_size = 2;  // of lists: small, so that there are several
constexpr int pages_max = 10'000;
constexpr std::array names{"counter", "room"};
constexpr std::array<std::uint32_t, 2> collections{0, 1};
const troupe::actor_id fresh_id{{0xfe, 0xdc, 0xba}};
constexpr std::uint64_t fresh_message = std::uint64_t{1} << 62;

std::string read_file(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

void write_file(const std::string& path, std::string_view content) {
  std::ofstream{path, std::ios::binary} << content;
}

/// The requests' answers: what was found, or nothing if the store said why not.
template <class Request>
bool answered(troupe::store& from, void (troupe::store::*ask)(Request&) noexcept, Request& request) {
  request.done = [](Request&) noexcept {};
  (from.*ask)(request);
  if (!request.failure) return true;
  try {
    std::rethrow_exception(request.failure);
  } catch (const troupe::error& why) {
    check(why.group() == "store", "a store fails as a store:", why.what());
    return false;
  }
}

/// All pages of a list. Whoever reads lists goes on behind the last item, so their order is what brings him to an end.
template <class Request, class Position, class Each>
void read_pages(troupe::store& from, void (troupe::store::*ask)(Request&) noexcept, Request& request,
                Position Request::*behind, const Each& each) {
  request.limit = page_size;
  for (int pages = 0; answered(from, ask, request); ++pages) {
    check(pages < pages_max, "a list comes to an end");
    check(request.found.size() <= page_size, "a page has no more items than were asked for");
    for (const auto& item : request.found) {
      check(Position{item.id} > request.*behind, "a list is in order");
      request.*behind = item.id;
      each(item);
    }
    if (request.found.size() < page_size) return;
  }
}

/// All pages of an actor's collection, from one end or the other.
void read_parts(troupe::store& from, const troupe::actor_id& actor, std::uint32_t collection, bool reverse) {
  troupe::parts_request request{.actor = actor, .collection = collection, .reverse = reverse, .limit = page_size};
  troupe::bytes behind;
  for (int pages = 0; answered(from, &troupe::store::list_parts, request); ++pages) {
    check(pages < pages_max, "a list comes to an end");
    check(request.found.size() <= page_size, "a page has no more items than were asked for");
    for (const troupe::part_record& row : request.found) {
      const bool is_first = pages == 0 && &row == request.found.data();
      check(is_first || (reverse ? row.key < behind : behind < row.key), "a list is in order");
      check(row.collection == collection, "a list has rows of one collection");
      behind = row.key;
    }
    if (request.found.size() < page_size) return;
    if (!reverse) behind.push_back(std::byte{0});
    reverse ? request.until = troupe::bytes_view{behind} : request.from = behind;
  }
}

void read_due(troupe::store& from) {
  troupe::due_request request;
  request.limit = page_size;
  for (int pages = 0; answered(from, &troupe::store::list_due, request); ++pages) {
    check(pages < pages_max, "a list comes to an end");
    check(request.found.size() <= page_size, "a page has no more items than were asked for");
    for (const troupe::due_request::place& row : request.found) {
      check(!request.after || *request.after < row, "a list is in order");
      request.after = row;
    }
    if (request.found.size() < page_size) return;
  }
}

class reader {
 public:
  explicit reader(troupe::store& from) : store_{from} {}

  void read_all() {
    for (const char* name : names) {
      troupe::list_request all;
      all.name = name;
      read_pages(store_, &troupe::store::list, all, &troupe::list_request::after,
                 [&](const troupe::actor_record& listed) { look_at(name, listed); });
    }
    troupe::outgoing_request outgoing;
    read_pages(store_, &troupe::store::list_outgoing, outgoing, &troupe::outgoing_request::after, [](const auto&) {});
    troupe::waiting_request waiting;
    read_pages(store_, &troupe::store::list_waiting, waiting, &troupe::waiting_request::after, [](const auto&) {});
    read_due(store_);
  }

  [[nodiscard]] const std::vector<troupe::actor_id>& found() const noexcept { return found_; }

 private:
  void look_at(const char* name, const troupe::actor_record& listed) {
    if (found_.empty() || found_.back() != listed.id) found_.push_back(listed.id);
    troupe::load_request by_id;
    by_id.id = listed.id;
    by_id.with_messages = true;
    by_id.with_parts = collections;
    const bool is_read = answered(store_, &troupe::store::load, by_id);
    check(!is_read || !by_id.found || by_id.found->id == listed.id, "a load finds what it was asked for");
    troupe::load_request by_key;
    by_key.name = name;
    by_key.key = listed.key;
    answered(store_, &troupe::store::load, by_key);
    for (const std::uint32_t collection : collections) {
      read_parts(store_, listed.id, collection, false);
      read_parts(store_, listed.id, collection, true);
    }
    if (listed.labels.empty()) return;
    troupe::list_request tagged;
    tagged.name = name;
    tagged.labels = &listed.labels;
    answered(store_, &troupe::store::list, tagged);
  }

  troupe::store& store_;
  std::vector<troupe::actor_id> found_;
};

/// A new actor that has a message and a part and has sent one, and, for those that are there, an update and an end.
bool write_some(troupe::store& into, const std::vector<troupe::actor_id>& known) {
  const troupe::bytes state(100, std::byte{0x55});
  troupe::write_set::creation created;
  created.name = "newcomer";
  created.key = "fresh";
  troupe::write_set::message message;
  message.id = fresh_message;
  message.queue = "queue";
  message.body = state;
  const troupe::write_set::sent_message sent{.id = fresh_message, .content = state};
  const std::array<std::uint64_t, 2> arrived{1, 2};
  std::array<troupe::part_change, 2> parts;
  parts[0].key = state;
  parts[0].value = troupe::bytes_view{state};
  parts[0].due.emplace(std::chrono::milliseconds{5});
  parts[1].collection = 1;  // to be removed
  troupe::commit_request request;
  auto& fresh = request.writes.emplace_back();
  fresh.what = troupe::write_set::action::create;
  fresh.id = fresh_id;
  fresh.created = &created;
  fresh.state = state;
  fresh.messages = {&message, 1};
  fresh.sent = {&sent, 1};
  fresh.arrived = arrived;
  fresh.parts = parts;
  for (std::size_t i = 0; i < known.size() && i < 4; ++i) {
    if (known[i] == fresh_id) continue;
    auto& write = request.writes.emplace_back();
    write.what = i % 2 == 0 ? troupe::write_set::action::update : troupe::write_set::action::destroy;
    write.id = known[i];
    write.state = state;
    if (i % 2 == 0) write.parts = parts;
  }
  if (!answered(into, &troupe::store::commit, request)) return false;
  check(request.result == troupe::commit_request::outcome::committed, "a commit without a failure is one");
  return true;
}

// In a damaged tree it need not be found: SQLite trusts the order of what it reads.
void load_fresh(troupe::store& from) {
  troupe::load_request request;
  request.id = fresh_id;
  answered(from, &troupe::store::load, request);
}

class file {
 public:
  file(std::string_view database, std::string_view log) : database_{database}, log_{log} {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) std::filesystem::remove(path() + suffix);
    write_file(path(), database_);
    if (!log_.empty()) write_file(path() + "-wal", log_);
  }

  [[nodiscard]] std::unique_ptr<troupe::store> open() {
    troupe::sqlite_options options;
    options.synchronous = troupe::synchronous::normal;  // nobody cuts the power
    options.log_bytes = 200;  // so that it is folded
    options.busy_timeout = std::chrono::milliseconds{0};
    try {
      return troupe::sqlite{path(), options}();
    } catch (const troupe::error& why) {
      check(why.group() == "store", "a store is refused as a store:", why.what());
      refusal_ = why.what();
      return nullptr;
    }
  }
  void check_unchanged() const {
    check(without_mode(read_file(path())) == without_mode(database_), "a file that is refused is left as it was:", refusal_);
    // Damage that shows only when SQLite moves the log is found behind the note that the file was opened.
    const bool was_noted = refusal_.find("database disk image is malformed") != std::string::npos;
    check(was_noted || read_file(path() + "-wal") == log_, "so is the log beside it:", refusal_);
  }

 private:
  // Without what SQLite notes in the header when a database gets a log (sqlite.org/fileformat2.html, section 1.3): the
  // kind of journal, the count of changes, the number of pages, who made the last change.
  static std::string without_mode(std::string database) {
    if (database.size() < 100) return database;
    return database.replace(18, 2, 2, '.').replace(24, 8, 8, '.').replace(92, 8, 8, '.');
  }
  static std::string path() {
    static const temporary_directory directory;
    return directory / "app.db";
  }

  std::string database_;
  std::string log_;
  std::string refusal_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input input{data, size};
  const bool mend = (input.byte() & 1) != 0;
  std::string log{fuzz::text_of(input.piece())};
  if (mend) fuzz::mend_log(log);
  file subject{fuzz::text_of(input.rest()), log};

  bool written = false;
  if (const auto store = subject.open()) {
    reader all{*store};
    all.read_all();
    written = write_some(*store, all.found());
    if (written) load_fresh(*store);
    reader{*store}.read_all();
    store->close();
  } else {
    subject.check_unchanged();
    return 0;
  }
  if (const auto store = subject.open()) {
    if (written) load_fresh(*store);
    store->close();
  }
  return 0;
}
