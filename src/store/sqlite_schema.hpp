// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iterator>

// All SQL of the SQLite store stands here. Our tables are named `_troupe_*`; everything else in the file is the user's.
//
// An actor is a row of some 50 bytes over its key and state, plus two index entries. Definitions are numbers in rows,
// for size. Ids are UUIDs of version 7 and rows are kept in their order, so creating actors appends. An actor's row
// counts its tags, so that loading one without tags costs one look-up.
//
// An update of a state goes to the log first, and later to the actor's row: see `sqlite_log`.
//
// A message is a row beside those of its actor, and nothing else: an index of what is due would halve the speed of
// queues, for a question that is asked when a runtime starts. Short names of queues cost as much as numbers would.
//
// A row of a part is one beside those of its actor and its collection, in the order of keys. Only rows with a due time
// are in the index of what is due, and pay for it.

namespace troupe {
inline namespace v0 {
namespace detail {
namespace sql {

inline constexpr const char* make_schema_1 = R"(
  CREATE TABLE _troupe_meta (
    name  TEXT PRIMARY KEY NOT NULL,
    value INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO _troupe_meta (name, value) VALUES ('schema', 1), ('openings', 0), ('failed_commits', 0);

  CREATE TABLE _troupe_definitions (
    definition INTEGER PRIMARY KEY NOT NULL,
    name       TEXT NOT NULL UNIQUE
  ) STRICT;

  CREATE TABLE _troupe_actors (
    id          BLOB PRIMARY KEY NOT NULL,
    definition  INTEGER NOT NULL,
    key         TEXT NOT NULL,
    created_at  INTEGER NOT NULL,  -- Unix time in milliseconds
    tag_count   INTEGER NOT NULL,
    initialised INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    state       BLOB NOT NULL,     -- CBOR
    input       BLOB               -- CBOR, until initialised
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX _troupe_actors_key ON _troupe_actors (definition, key);
  CREATE INDEX _troupe_actors_definition ON _troupe_actors (definition, id);

  CREATE TABLE _troupe_tags (
    id         BLOB NOT NULL,
    name       TEXT NOT NULL,
    value      TEXT NOT NULL,
    definition INTEGER NOT NULL,
    PRIMARY KEY (id, name)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX _troupe_tags_find ON _troupe_tags (definition, name, value, id);
)";

inline constexpr const char* make_schema_2 = R"(
  CREATE TABLE _troupe_messages (
    actor      BLOB NOT NULL,
    id         INTEGER NOT NULL,
    queue      TEXT NOT NULL,
    dead       INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    created_at INTEGER NOT NULL,  -- Unix time in milliseconds, as is the next
    due_at     INTEGER NOT NULL,
    body       BLOB NOT NULL,     -- CBOR
    PRIMARY KEY (actor, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE _troupe_outgoing (
    id      INTEGER PRIMARY KEY NOT NULL,
    content BLOB NOT NULL
  ) STRICT;

  UPDATE _troupe_meta SET value = 2 WHERE name = 'schema';
)";

inline constexpr const char* make_schema_3 = R"(
  CREATE TABLE _troupe_log (
    sequence INTEGER PRIMARY KEY NOT NULL,
    updates  BLOB NOT NULL  -- see `log_record`
  ) STRICT;

  UPDATE _troupe_meta SET value = 3 WHERE name = 'schema';
)";

inline constexpr const char* make_schema_4 = R"(
  CREATE TABLE _troupe_parts (
    actor      BLOB NOT NULL,
    collection INTEGER NOT NULL,
    key        BLOB NOT NULL,
    value      BLOB NOT NULL,
    due        INTEGER,        -- Unix time in milliseconds
    PRIMARY KEY (actor, collection, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX _troupe_parts_due ON _troupe_parts (due, actor, collection, key) WHERE due IS NOT NULL;

  UPDATE _troupe_meta SET value = 4 WHERE name = 'schema';
)";

/// Each makes its schema from the one before; a new file goes through all of them.
inline constexpr const char* steps[] = {make_schema_1, make_schema_2, make_schema_3, make_schema_4};

/// The schema that this code reads and writes. A file with a higher one is refused.
inline constexpr int schema_version = std::size(steps);

// Opening.
inline constexpr const char* has_schema =
    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '_troupe_meta'";
inline constexpr const char* read_schema_version = "SELECT value FROM _troupe_meta WHERE name = 'schema'";
inline constexpr const char* read_encoding = "PRAGMA encoding";
inline constexpr const char* read_page_size = "PRAGMA page_size";
inline constexpr const char* use_wal = "PRAGMA journal_mode = WAL";
inline constexpr const char* synchronous_full = "PRAGMA synchronous = FULL";
inline constexpr const char* synchronous_normal = "PRAGMA synchronous = NORMAL";
// The checkpoint runs after commits, not in them. A WAL that a long foreign read made large shrinks afterwards.
inline constexpr const char* configure_writer = R"(
  PRAGMA wal_autocheckpoint = 0;
  PRAGMA journal_size_limit = 67108864;
  PRAGMA cache_size = -32768;
  PRAGMA secure_delete = FAST;
)";
inline constexpr const char* configure_reader = "PRAGMA cache_size = -8192";
inline constexpr const char* count_opening = "UPDATE _troupe_meta SET value = value + 1 WHERE name = 'openings'";
inline constexpr const char* read_openings = "SELECT value FROM _troupe_meta WHERE name = 'openings'";
inline constexpr const char* set_openings = "UPDATE _troupe_meta SET value = ?1 WHERE name = 'openings'";
inline constexpr const char* read_definitions = "SELECT definition, name FROM _troupe_definitions";

// Committing.
inline constexpr const char* begin_write = "BEGIN IMMEDIATE";
inline constexpr const char* commit = "COMMIT";
inline constexpr const char* roll_back = "ROLLBACK";
inline constexpr const char* count_failed_commit =
    "UPDATE _troupe_meta SET value = value + 1 WHERE name = 'failed_commits'";
inline constexpr const char* add_definition = "INSERT INTO _troupe_definitions (definition, name) VALUES (?1, ?2)";
// Then come rows of so many columns.
inline constexpr const char* insert_actors = R"(
  INSERT INTO _troupe_actors (id, definition, key, created_at, tag_count, initialised, version, state, input)
  VALUES )";
inline constexpr int actor_columns = 9;
inline constexpr const char* add_tag =
    "INSERT INTO _troupe_tags (id, name, value, definition) VALUES (?1, ?2, ?3, ?4)";
// To an actor that has a row.
inline constexpr const char* add_tag_to = R"(
  INSERT INTO _troupe_tags (id, name, value, definition)
  SELECT id, ?2, ?3, definition FROM _troupe_actors WHERE id = ?1)";
inline constexpr const char* count_tags = "UPDATE _troupe_actors SET tag_count = ?2 WHERE id = ?1";
inline constexpr const char* update_actor = R"(
  UPDATE _troupe_actors SET initialised = ?2, version = ?3, state = ?4, input = iif(?2, NULL, input) WHERE id = ?1)";
inline constexpr const char* find_actor = "SELECT 1 FROM _troupe_actors WHERE id = ?1";
inline constexpr const char* destroy_actor = "DELETE FROM _troupe_actors WHERE id = ?1";
inline constexpr const char* remove_tags = "DELETE FROM _troupe_tags WHERE id = ?1";
inline constexpr const char* put_message = R"(
  INSERT INTO _troupe_messages (actor, id, queue, dead, attempts, created_at, due_at, body)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
  ON CONFLICT (actor, id) DO UPDATE
  SET queue = excluded.queue, dead = excluded.dead, attempts = excluded.attempts, due_at = excluded.due_at)";
inline constexpr const char* remove_message = "DELETE FROM _troupe_messages WHERE actor = ?1 AND id = ?2";
inline constexpr const char* remove_messages = "DELETE FROM _troupe_messages WHERE actor = ?1";
inline constexpr const char* put_part = R"(
  INSERT INTO _troupe_parts (actor, collection, key, value, due) VALUES (?1, ?2, ?3, ?4, ?5)
  ON CONFLICT (actor, collection, key) DO UPDATE SET value = excluded.value, due = excluded.due)";
inline constexpr const char* remove_part =
    "DELETE FROM _troupe_parts WHERE actor = ?1 AND collection = ?2 AND key = ?3";
inline constexpr const char* remove_parts = "DELETE FROM _troupe_parts WHERE actor = ?1";
inline constexpr const char* add_outgoing = "INSERT INTO _troupe_outgoing (id, content) VALUES (?1, ?2)";
inline constexpr const char* remove_outgoing = "DELETE FROM _troupe_outgoing WHERE id = ?1";

// The log.
inline constexpr const char* read_log = "SELECT sequence, updates FROM _troupe_log ORDER BY sequence";
inline constexpr const char* append_to_log = "INSERT INTO _troupe_log (sequence, updates) VALUES (?1, ?2)";
inline constexpr const char* drop_from_log = "DELETE FROM _troupe_log WHERE sequence <= ?1";

// Reading. The first seven columns of an actor are the same in all three.
inline constexpr const char* begin_read = "BEGIN";
inline constexpr const char* load_by_id = R"(
  SELECT id, definition, key, created_at, tag_count, initialised, version, state, input
  FROM _troupe_actors WHERE id = ?1)";
inline constexpr const char* load_by_key = R"(
  SELECT id, definition, key, created_at, tag_count, initialised, version, state, input
  FROM _troupe_actors INDEXED BY _troupe_actors_key WHERE definition = ?1 AND key = ?2)";
inline constexpr const char* list_actors = R"(
  SELECT id, definition, key, created_at, tag_count, initialised, version
  FROM _troupe_actors INDEXED BY _troupe_actors_definition
  WHERE definition = ?1 AND id >= ?2 ORDER BY id LIMIT ?3)";
inline constexpr const char* read_tags = "SELECT name, value FROM _troupe_tags WHERE id = ?1";
inline constexpr const char* next_with_tag = R"(
  SELECT id FROM _troupe_tags INDEXED BY _troupe_tags_find
  WHERE definition = ?1 AND name = ?2 AND value = ?3 AND id >= ?4 ORDER BY id LIMIT 1)";
inline constexpr const char* has_parts = "SELECT EXISTS (SELECT 1 FROM _troupe_parts)";
inline constexpr const char* read_messages = R"(
  SELECT id, queue, dead, attempts, created_at, due_at, body FROM _troupe_messages WHERE actor = ?1 ORDER BY id)";
inline constexpr const char* list_outgoing =
    "SELECT id, content FROM _troupe_outgoing WHERE id > ?1 ORDER BY id LIMIT ?2";
inline constexpr const char* list_waiting = R"(
  SELECT actor, definition, key, due_at, shortest_delay
  FROM (SELECT actor, min(due_at) AS due_at, min(due_at - created_at) AS shortest_delay FROM _troupe_messages
        WHERE dead = 0 AND actor >= ?1 GROUP BY actor ORDER BY actor LIMIT ?2)
  LEFT JOIN _troupe_actors ON _troupe_actors.id = actor
  ORDER BY actor)";
// From one place to another, both a collection and a key.
inline constexpr const char* list_parts = R"(
  SELECT collection, key, value, due FROM _troupe_parts
  WHERE actor = ?1 AND (collection, key) >= (?2, ?3) AND (collection, key) < (?4, ?5)
  ORDER BY collection, key LIMIT ?6)";
inline constexpr const char* list_parts_reverse = R"(
  SELECT collection, key, value, due FROM _troupe_parts
  WHERE actor = ?1 AND (collection, key) >= (?2, ?3) AND (collection, key) < (?4, ?5)
  ORDER BY collection DESC, key DESC LIMIT ?6)";
inline constexpr const char* list_due = R"(
  SELECT due, actor, collection, part.key, definition, _troupe_actors.key
  FROM _troupe_parts AS part INDEXED BY _troupe_parts_due
  LEFT JOIN _troupe_actors ON _troupe_actors.id = actor
  WHERE due IS NOT NULL AND (due, actor, collection, part.key) > (?1, ?2, ?3, ?4)
  ORDER BY due, actor, collection, part.key LIMIT ?5)";

}  // namespace sql
}  // namespace detail
}  // namespace v0
}  // namespace troupe
