#include "sqlite_reader.hpp"

#include <algorithm>
#include <limits>

#include "sqlite_schema.hpp"

namespace troupe::inline v0 { namespace detail {
namespace {

/// The id behind `id`; nothing behind the last one.
std::optional<actor_id> successor(const actor_id& id) {
  actor_id::bytes_type bytes = id.bytes();
  for (std::size_t at = bytes.size(); at-- > 0;) {
    if (++bytes[at] != 0) return actor_id{bytes};
  }
  return std::nullopt;
}

/// A read transaction over several statements.
class transaction {
 public:
  transaction(sqlite_statement& begin, sqlite_statement& commit) : commit_{commit} { begin.run(); }
  ~transaction() {
    if (commit_.try_run() != SQLITE_OK) commit_.reset();
  }
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;

 private:
  sqlite_statement& commit_;
};

}  // namespace

sqlite_reader::sqlite_reader(const std::string& path, std::chrono::milliseconds busy_timeout,
                             const definition_names& names)
    : connection_{path, SQLITE_OPEN_READONLY, busy_timeout},
      names_{names},
      begin_{connection_.prepare(sql::begin_read)},
      commit_{connection_.prepare(sql::commit)},
      load_by_id_{connection_.prepare(sql::load_by_id)},
      load_by_key_{connection_.prepare(sql::load_by_key)},
      list_{connection_.prepare(sql::list_actors)},
      read_tags_{connection_.prepare(sql::read_tags)},
      next_with_tag_{connection_.prepare(sql::next_with_tag)} {
  connection_.execute(sql::configure_reader);
}

std::optional<actor_record> sqlite_reader::load(const load_request& request) {
  if (request.id) {
    load_by_id_.bind(1, *request.id);
    return read_actor(load_by_id_);
  }
  const std::optional<std::int64_t> definition = names_.number(request.name);
  if (!definition) return std::nullopt;
  load_by_key_.bind(1, *definition);
  load_by_key_.bind(2, request.key);
  return read_actor(load_by_key_);
}

std::optional<actor_record> sqlite_reader::read_actor(sqlite_statement& statement) {
  const sqlite_rows rows{statement};  // keeps the tags of the same moment
  if (!statement.step()) return std::nullopt;
  actor_record record = read_head(statement);
  const bytes_view state = statement.blob(7);
  record.state.assign(state.begin(), state.end());
  if (!statement.is_null(8)) {
    const bytes_view input = statement.blob(8);
    record.input.emplace(input.begin(), input.end());
  }
  return record;
}

actor_record sqlite_reader::read_head(sqlite_statement& statement) {
  actor_record record;
  record.id = statement.id(0);
  std::optional<std::string> name = names_.name(statement.number(1));
  if (!name) throw connection_.corrupt("an actor's definition is missing");
  record.name = std::move(*name);
  record.key = statement.text(2);
  record.created_at = std::chrono::sys_time<std::chrono::milliseconds>{std::chrono::milliseconds{statement.number(3)}};
  record.initialised = statement.number(5) != 0;
  record.version = static_cast<std::uint32_t>(statement.number(6));
  const auto tag_count = static_cast<std::size_t>(statement.number(4));
  if (tag_count != 0) record.labels = read_tags(record.id);
  if (record.labels.size() != tag_count) throw connection_.corrupt("an actor's tags are missing");
  return record;
}

tags sqlite_reader::read_tags(const actor_id& id) {
  tags found;
  const sqlite_rows rows{read_tags_};
  read_tags_.bind(1, id);
  while (read_tags_.step()) found.emplace(read_tags_.text(0), read_tags_.text(1));
  return found;
}

std::vector<actor_record> sqlite_reader::list(const list_request& request) {
  std::vector<actor_record> found;
  const std::optional<std::int64_t> definition = names_.number(request.name);
  const std::optional<actor_id> from = request.after ? successor(*request.after) : actor_id{};
  if (!definition || !from) return found;
  const transaction one_moment{begin_, commit_};
  if (request.labels != nullptr && !request.labels->empty()) {
    list_tagged(*definition, *request.labels, *from, request.limit, found);
  } else {
    list_all(*definition, *from, request.limit, found);
  }
  return found;
}

void sqlite_reader::list_all(std::int64_t definition, const actor_id& from, std::size_t limit,
                             std::vector<actor_record>& found) {
  constexpr auto limit_max = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max());
  const sqlite_rows rows{list_};
  list_.bind(1, definition);
  list_.bind(2, from);
  list_.bind(3, static_cast<std::int64_t>(std::min(limit, limit_max)));
  while (list_.step()) found.push_back(read_head(list_));
}

void sqlite_reader::list_tagged(std::int64_t definition, const tags& labels, const actor_id& from, std::size_t limit,
                                std::vector<actor_record>& found) {
  std::optional<actor_id> next = from;
  while (next && found.size() < limit) {
    const std::optional<actor_id> id = next_with_all(definition, labels, *next);
    if (!id) return;
    const sqlite_rows rows{load_by_id_};
    load_by_id_.bind(1, *id);
    if (!load_by_id_.step()) throw connection_.corrupt("a tag is of an actor that does not exist");
    found.push_back(read_head(load_by_id_));
    next = successor(*id);
  }
}

/// The first id from `from` on that carries all of the tags. Each tag's ids are sorted, so the tags take turns in
/// naming the smallest id that is not excluded yet, until all have named the same: the rarest tag sets the pace.
std::optional<actor_id> sqlite_reader::next_with_all(std::int64_t definition, const tags& labels, actor_id from) {
  std::size_t agreeing = 0;
  for (auto label = labels.begin(); agreeing < labels.size(); ++label) {
    if (label == labels.end()) label = labels.begin();
    const sqlite_rows rows{next_with_tag_};
    next_with_tag_.bind(1, definition);
    next_with_tag_.bind(2, label->first);
    next_with_tag_.bind(3, label->second);
    next_with_tag_.bind(4, from);
    if (!next_with_tag_.step()) return std::nullopt;
    const actor_id named = next_with_tag_.id(0);
    agreeing = named == from ? agreeing + 1 : 1;
    from = named;
  }
  return from;
}

sqlite_readers::sqlite_readers(std::string path, std::chrono::milliseconds busy_timeout, const definition_names& names)
    : path_{std::move(path)}, busy_timeout_{busy_timeout}, names_{names} {
  idle_.reserve(readers_max);
  give_back(take());  // so that a file that cannot be read is noticed at once
}

std::unique_ptr<sqlite_reader> sqlite_readers::take() {
  std::unique_lock lock{mutex_};
  returned_.wait(lock, [this] { return !idle_.empty() || open_ < readers_max; });
  if (!idle_.empty()) {
    std::unique_ptr<sqlite_reader> reader = std::move(idle_.back());
    idle_.pop_back();
    return reader;
  }
  ++open_;
  lock.unlock();
  try {
    return std::make_unique<sqlite_reader>(path_, busy_timeout_, names_);
  } catch (...) {
    lock.lock();
    --open_;
    returned_.notify_one();
    throw;
  }
}

void sqlite_readers::give_back(std::unique_ptr<sqlite_reader> reader) noexcept {
  {
    const std::lock_guard lock{mutex_};
    idle_.push_back(std::move(reader));  // has room, see the constructor
  }
  returned_.notify_one();
}

}}  // namespace troupe::v0::detail
