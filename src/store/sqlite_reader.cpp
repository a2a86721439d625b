// SPDX-License-Identifier: Apache-2.0
#include "sqlite_reader.hpp"

#include <algorithm>
#include <limits>

#include <troupe/core/assert.hpp>

#include "part_order.hpp"
#include "sqlite_schema.hpp"

namespace troupe {
inline namespace v0 {
namespace detail {
namespace {

/// The id behind `id`; nothing behind the last one.
std::optional<actor_id> successor(const actor_id& id) {
  actor_id::bytes_type bytes = id.bytes();
  for (std::size_t at = bytes.size(); at-- > 0;) {
    if (++bytes[at] != 0) return actor_id{bytes};
  }
  return std::nullopt;
}

constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

std::int64_t to_sql(std::size_t limit) {
  constexpr auto limit_max = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max());
  return static_cast<std::int64_t>(std::min(limit, limit_max));
}

std::chrono::sys_time<std::chrono::milliseconds> to_time(std::int64_t milliseconds) {
  return std::chrono::sys_time<std::chrono::milliseconds>{std::chrono::milliseconds{milliseconds}};
}

bytes to_bytes(bytes_view view) { return {view.begin(), view.end()}; }

/// Appends what comes next in a list. Whoever reads lists goes on behind the last item, so in a damaged file that is
/// out of order, he would go round for ever.
template <class Item>
void append_in_order(std::vector<Item>& found, Item item, const sqlite_connection& connection) {
  if (!found.empty() && !(found.back().id < item.id)) throw connection.corrupt("a table is out of order");
  found.push_back(std::move(item));
}

}  // namespace

sqlite_reader::sqlite_reader(const database_file& file, std::chrono::milliseconds busy_timeout,
                             const definition_names& names, const log_tail& tail)
    : connection_{file, SQLITE_OPEN_READONLY, busy_timeout},
      names_{names},
      tail_{tail},
      transaction_{connection_, sqlite_transaction::kind::read},
      load_by_id_{connection_.prepare(sql::load_by_id)},
      load_by_key_{connection_.prepare(sql::load_by_key)},
      list_{connection_.prepare(sql::list_actors)},
      read_tags_{connection_.prepare(sql::read_tags)},
      next_with_tag_{connection_.prepare(sql::next_with_tag)},
      read_messages_{connection_.prepare(sql::read_messages)},
      list_outgoing_{connection_.prepare(sql::list_outgoing)},
      list_waiting_{connection_.prepare(sql::list_waiting)},
      list_parts_{connection_.prepare(sql::list_parts)},
      list_parts_reverse_{connection_.prepare(sql::list_parts_reverse)},
      list_due_{connection_.prepare(sql::list_due)} {
  connection_.execute(sql::configure_reader);
}

void sqlite_reader::load(load_list& asked, load_list& answered) {
  const std::uint64_t since = tail_.moment();
  // A transaction costs as much as a look-up or two, and every statement that has none begins one.
  std::optional<sqlite_moment> one_moment;
  if (!asked.has_one()) one_moment.emplace(transaction_);
  load_list overtaken;
  while (load_request* const r = asked.pop_front()) {
    bool is_read = true;
    r->failure = nullptr;
    try {
      is_read = load_one(*r, since);
    } catch (...) {
      r->found.reset();
      r->failure = std::current_exception();
    }
    (is_read ? answered : overtaken).push_back(*r);
  }
  asked.push_back(std::move(overtaken));
}

bool sqlite_reader::load_one(load_request& request, std::uint64_t since) {
  TROUPE_ASSERT(are_rising(request.with_parts), "name each collection once, in rising order");
  std::optional<actor_record>& found = request.found;
  found.reset();
  if (request.id) {
    load_by_id_.bind(1, *request.id);
    found = read_actor(load_by_id_, request);
  } else if (const std::optional<std::int64_t> definition = names_.number(request.name)) {
    load_by_key_.bind(1, *definition);
    load_by_key_.bind(2, request.key);
    found = read_actor(load_by_key_, request);
  }
  const bool is_wanted = !found || (request.id ? found->id == *request.id : found->key == request.key);
  if (!is_wanted) throw connection_.corrupt("an index leads to another actor's row");
  return !found || tail_.complete(*found, since, true);
}

std::optional<actor_record> sqlite_reader::read_actor(sqlite_statement& statement, const load_request& request) {
  const sqlite_rows rows{statement};  // keeps the tags, messages and parts of the same moment
  if (!statement.step()) return std::nullopt;
  actor_record record = read_head(statement);
  record.state = to_bytes(statement.blob(7));
  if (!statement.is_null(8)) record.input = to_bytes(statement.blob(8));
  if (request.with_messages) record.messages = read_messages(record.id);
  for (const std::uint32_t collection : request.with_parts) {
    read_parts({.actor = record.id, .collection = collection, .limit = no_limit}, record.parts);
  }
  return record;
}

actor_record sqlite_reader::read_head(sqlite_statement& statement) {
  actor_record record;
  record.id = statement.id(0);
  record.name = definition_name(statement.number(1));
  record.key = statement.text(2);
  record.created_at = to_time(statement.number(3));
  record.initialised = statement.number(5) != 0;
  record.version = static_cast<std::uint32_t>(statement.number(6));
  const auto tag_count = static_cast<std::size_t>(statement.number(4));
  if (tag_count != 0) record.labels = read_tags(record.id);
  if (record.labels.size() != tag_count) throw connection_.corrupt("an actor's tags are missing");
  return record;
}

std::string sqlite_reader::definition_name(std::int64_t number) {
  std::optional<std::string> name = names_.name(number);
  if (!name) throw connection_.corrupt("an actor's definition is missing");
  return std::move(*name);
}

tags sqlite_reader::read_tags(const actor_id& id) {
  tags found;
  const sqlite_rows rows{read_tags_};
  read_tags_.bind(1, id);
  while (read_tags_.step()) found.emplace(read_tags_.text(0), read_tags_.text(1));
  return found;
}

std::vector<message_record> sqlite_reader::read_messages(const actor_id& id) {
  std::vector<message_record> found;
  const sqlite_rows rows{read_messages_};
  read_messages_.bind(1, id);
  while (read_messages_.step()) {
    message_record& message = found.emplace_back();
    message.id = static_cast<std::uint64_t>(read_messages_.number(0));
    message.queue = read_messages_.text(1);
    message.dead = read_messages_.number(2) != 0;
    message.attempts = static_cast<std::uint32_t>(read_messages_.number(3));
    message.created_at = to_time(read_messages_.number(4));
    message.due_at = to_time(read_messages_.number(5));
    message.body = to_bytes(read_messages_.blob(6));
  }
  return found;
}

bool sqlite_reader::list(list_request& request) {
  const std::uint64_t since = tail_.moment();
  std::vector<actor_record>& found = request.found;
  found.clear();
  const std::optional<std::int64_t> definition = names_.number(request.name);
  const std::optional<actor_id> from = request.after ? successor(*request.after) : actor_id{};
  if (!definition || !from) return true;
  const sqlite_moment one_moment{transaction_};
  if (request.labels != nullptr && !request.labels->empty()) {
    list_tagged(*definition, *request.labels, *from, request.limit, found);
  } else {
    list_all(*definition, *from, request.limit, found);
  }
  return std::ranges::all_of(found, [&](actor_record& each) { return tail_.complete(each, since, false); });
}

void sqlite_reader::list_all(std::int64_t definition, const actor_id& from, std::size_t limit,
                             std::vector<actor_record>& found) {
  const sqlite_rows rows{list_};
  list_.bind(1, definition);
  list_.bind(2, from);
  list_.bind(3, to_sql(limit));
  while (list_.step()) {
    actor_record next = read_head(list_);
    if (next.id < from) throw connection_.corrupt("a table is out of order");
    append_in_order(found, std::move(next), connection_);
  }
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
    if (named < from) throw connection_.corrupt("an index is out of order");  // else we might go round for ever
    agreeing = named == from ? agreeing + 1 : 1;
    from = named;
  }
  return from;
}

bool sqlite_reader::list_outgoing(outgoing_request& request) {
  std::vector<outgoing_request::message>& found = request.found;
  const sqlite_rows rows{list_outgoing_};
  list_outgoing_.bind(1, to_sql(request.after));
  list_outgoing_.bind(2, to_sql(request.limit));
  while (list_outgoing_.step()) {
    const auto id = static_cast<std::uint64_t>(list_outgoing_.number(0));
    if (id <= request.after) throw connection_.corrupt("a table is out of order");
    append_in_order(found, {.id = id, .content = to_bytes(list_outgoing_.blob(1))}, connection_);
  }
  return true;
}

bool sqlite_reader::list_waiting(waiting_request& request) {
  std::vector<waiting_request::actor>& found = request.found;
  const std::optional<actor_id> from = request.after ? successor(*request.after) : actor_id{};
  if (!from) return true;
  const sqlite_rows rows{list_waiting_};
  list_waiting_.bind(1, *from);
  list_waiting_.bind(2, to_sql(request.limit));
  while (list_waiting_.step()) {
    if (list_waiting_.is_null(1)) throw connection_.corrupt("a message is of an actor that does not exist");
    waiting_request::actor actor;
    actor.id = list_waiting_.id(0);
    if (actor.id < *from) throw connection_.corrupt("a table is out of order");
    actor.name = definition_name(list_waiting_.number(1));
    actor.key = list_waiting_.text(2);
    actor.due_at = to_time(list_waiting_.number(3));
    actor.shortest_delay = std::chrono::milliseconds{list_waiting_.number(4)};
    append_in_order(found, std::move(actor), connection_);
  }
  return true;
}

bool sqlite_reader::list_parts(parts_request& request) {
  read_parts(request, request.found);
  return true;
}

/// The readers of pages go on behind the last row, so a damaged file that is out of order must not lead them astray.
void sqlite_reader::read_parts(const parts_request& range, std::vector<part_record>& found) {
  sqlite_statement& list = range.reverse ? list_parts_reverse_ : list_parts_;
  const sqlite_rows rows{list};
  list.bind(1, range.actor);
  list.bind(2, std::int64_t{range.collection});
  list.bind(3, range.from);
  list.bind(4, std::int64_t{range.collection} + (range.until ? 0 : 1));
  list.bind(5, range.until.value_or(bytes_view{}));
  list.bind(6, to_sql(range.limit));
  for (bool is_first = true; list.step(); is_first = false) {
    part_record next{.collection = range.collection, .key = to_bytes(list.blob(1)), .value = to_bytes(list.blob(2)),
                     .due = {}};
    if (!list.is_null(3)) next.due = to_time(list.number(3));
    const bool is_in_range = list.number(0) == range.collection && !is_before(next.key, range.from) &&
                             (!range.until || is_before(next.key, *range.until));
    const bool is_in_order =
        is_first || (range.reverse ? is_before(next.key, found.back().key) : is_before(found.back().key, next.key));
    if (!is_in_range || !is_in_order) throw connection_.corrupt("a table is out of order");
    found.push_back(std::move(next));
  }
}

bool sqlite_reader::list_due(due_request& request) {
  const due_request::place* behind = request.after ? &*request.after : nullptr;
  const sqlite_rows rows{list_due_};
  if (behind == nullptr) {  // before all: no actor has an id without bytes
    list_due_.bind(1, std::numeric_limits<std::int64_t>::min());
    list_due_.bind(2, bytes_view{});
  } else {
    list_due_.bind(1, std::int64_t{behind->due.time_since_epoch().count()});
    list_due_.bind(2, behind->actor);
  }
  list_due_.bind(3, std::int64_t{behind == nullptr ? 0 : behind->collection});
  list_due_.bind(4, behind == nullptr ? bytes_view{} : bytes_view{behind->key});
  list_due_.bind(5, to_sql(request.limit));
  while (list_due_.step()) {
    if (list_due_.is_null(4)) throw connection_.corrupt("the row of a part is of an actor that does not exist");
    due_request::row next;
    next.due = to_time(list_due_.number(0));
    next.actor = list_due_.id(1);
    next.collection = static_cast<std::uint32_t>(list_due_.number(2));
    if (next.collection != list_due_.number(2)) throw connection_.corrupt("a part has a collection that cannot be");
    next.key = to_bytes(list_due_.blob(3));
    next.actor_name = definition_name(list_due_.number(4));
    next.actor_key = list_due_.text(5);
    if (!request.found.empty()) behind = &request.found.back();
    const due_request::place& at = next;
    if (behind != nullptr && !(*behind < at)) throw connection_.corrupt("an index is out of order");
    request.found.push_back(std::move(next));
  }
  return true;
}

sqlite_readers::sqlite_readers(database_file file, std::chrono::milliseconds busy_timeout,
                               const definition_names& names, const log_tail& tail)
    : file_{std::move(file)}, busy_timeout_{busy_timeout}, names_{names}, tail_{tail} {
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
    return std::make_unique<sqlite_reader>(file_, busy_timeout_, names_, tail_);
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

}  // namespace detail
}  // namespace v0
}  // namespace troupe
