// SPDX-License-Identifier: Apache-2.0
#pragma once

/// As schema 1 had it, word for word, with one actor that has been updated.
inline constexpr const char* schema_1 = R"(
  PRAGMA journal_mode = WAL;
  CREATE TABLE _troupe_meta (
    name  TEXT PRIMARY KEY NOT NULL,
    value INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO _troupe_meta (name, value) VALUES ('schema', 1), ('openings', 41), ('failed_commits', 0);

  CREATE TABLE _troupe_definitions (
    definition INTEGER PRIMARY KEY NOT NULL,
    name       TEXT NOT NULL UNIQUE
  ) STRICT;

  CREATE TABLE _troupe_actors (
    id          BLOB PRIMARY KEY NOT NULL,
    definition  INTEGER NOT NULL,
    key         TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    tag_count   INTEGER NOT NULL,
    initialised INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    state       BLOB NOT NULL,
    input       BLOB
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

  INSERT INTO _troupe_definitions VALUES (1, 'counter');
  INSERT INTO _troupe_actors VALUES (x'00000000000000000000000000000001', 1, 'key-1', 5, 0, 1, 1, x'6f6c64', NULL);
)";
