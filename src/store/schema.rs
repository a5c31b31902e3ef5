//! The tables, and how they came to be: one script a version of the schema.

/// Script `k` leads from `user_version` k to k + 1. Scripts that were released are never changed.
pub const MIGRATIONS: &[&str] = &[
    "
-- Raised by one in every writing transaction.
CREATE TABLE counter (change INTEGER NOT NULL) STRICT;
INSERT INTO counter VALUES (0);

CREATE TABLE models (
    model       INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    dimension   INTEGER NOT NULL,
    source      TEXT NOT NULL,
    precision   TEXT NOT NULL,
    current     INTEGER NOT NULL
) STRICT;

-- AUTOINCREMENT: a row number names one text for ever and is never used twice.
CREATE TABLE papers (
    row       INTEGER PRIMARY KEY AUTOINCREMENT,
    id        TEXT NOT NULL UNIQUE,
    text_hash BLOB NOT NULL,
    hash      BLOB NOT NULL,
    json      TEXT NOT NULL,
    day       INTEGER,
    list_day  INTEGER,
    upvotes   INTEGER NOT NULL,
    trending  REAL NOT NULL,
    change    INTEGER NOT NULL
) STRICT;
CREATE INDEX papers_by_day ON papers (day);
CREATE INDEX papers_by_list_day ON papers (list_day);

-- Folded to lower case, for filters.
CREATE TABLE authors (
    name TEXT NOT NULL,
    row  INTEGER NOT NULL REFERENCES papers (row) ON DELETE CASCADE,
    PRIMARY KEY (name, row)
) STRICT, WITHOUT ROWID;
CREATE INDEX authors_by_row ON authors (row);
CREATE TABLE categories (
    name TEXT NOT NULL,
    row  INTEGER NOT NULL REFERENCES papers (row) ON DELETE CASCADE,
    PRIMARY KEY (name, row)
) STRICT, WITHOUT ROWID;
CREATE INDEX categories_by_row ON categories (row);

-- Little-endian f32, unit length. By text and model, so that no text goes through a model twice.
CREATE TABLE vectors (
    model     INTEGER NOT NULL REFERENCES models (model),
    text_hash BLOB NOT NULL,
    vector    BLOB NOT NULL,
    PRIMARY KEY (model, text_hash)
) STRICT;
CREATE INDEX papers_by_text ON papers (text_hash);

-- Rows that are gone, for whoever reads the changes.
CREATE TABLE removed (row INTEGER PRIMARY KEY, change INTEGER NOT NULL) STRICT;
",
    "
-- For whoever reads the changes.
CREATE INDEX papers_by_change ON papers (change);

-- By what records of one work are known: the id without its version, a DOI, title and first author. Of the rows that
-- share a key the one with the greatest newness speaks.
CREATE TABLE works (
    key     TEXT NOT NULL,
    row     INTEGER NOT NULL REFERENCES papers (row) ON DELETE CASCADE,
    newness INTEGER NOT NULL,
    PRIMARY KEY (key, row)
) STRICT, WITHOUT ROWID;
CREATE INDEX works_by_row ON works (row);
",
    "
-- The last run of themes: one row, or none.
CREATE TABLE theme_run (
    run    INTEGER NOT NULL,
    change INTEGER NOT NULL,
    papers INTEGER NOT NULL,
    model  TEXT NOT NULL,
    at     INTEGER NOT NULL,
    next   INTEGER NOT NULL,
    json   TEXT NOT NULL
) STRICT;
CREATE TABLE themes (
    theme  INTEGER PRIMARY KEY,
    level  INTEGER NOT NULL,
    parent INTEGER,
    json   TEXT NOT NULL
) STRICT;
-- Rows of papers that are gone may stand here until the next join or run.
CREATE TABLE theme_papers (
    row      INTEGER PRIMARY KEY,
    theme    INTEGER,
    member   INTEGER NOT NULL,
    strength REAL NOT NULL,
    x        REAL NOT NULL,
    y        REAL NOT NULL
) STRICT;
-- The memory of the runs: the only part that cannot be made again.
CREATE TABLE theme_events (
    event INTEGER PRIMARY KEY AUTOINCREMENT,
    run   INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    theme INTEGER NOT NULL,
    json  TEXT NOT NULL
) STRICT;
CREATE INDEX theme_events_by_theme ON theme_events (theme);
",
];
