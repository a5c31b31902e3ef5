//! The tables, and how they came to be: one script a version of the schema. `counter.events` is of earlier versions; nobody
//! raises it any more.

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
    "
-- What readers did. Events name papers by id: they outlive a deletion, and count again when the paper comes back.
CREATE TABLE users (
    user     INTEGER PRIMARY KEY AUTOINCREMENT,
    name     TEXT NOT NULL UNIQUE,
    settings TEXT NOT NULL,
    token    TEXT,
    created  INTEGER NOT NULL,
    -- Raised by whatever changes what the user is shown.
    version  INTEGER NOT NULL
) STRICT;

-- Clustered by time, newest last: a history is one stretch of pages. Times in microseconds since 1970.
CREATE TABLE events (
    user   INTEGER NOT NULL REFERENCES users (user) ON DELETE CASCADE,
    at     INTEGER NOT NULL,
    paper  TEXT NOT NULL,
    kind   INTEGER NOT NULL,
    weight REAL NOT NULL,
    PRIMARY KEY (user, at, paper, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX events_by_time ON events (at);

-- Papers of a user's library that are not in the corpus: they teach, and are never shown.
CREATE TABLE outside (
    user      INTEGER NOT NULL REFERENCES users (user) ON DELETE CASCADE,
    id        TEXT NOT NULL,
    text_hash BLOB NOT NULL,
    json      TEXT NOT NULL,
    PRIMARY KEY (user, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX outside_by_text ON outside (text_hash);

-- The interests of a user as last found, what the user made of them, and their papers.
CREATE TABLE interests (
    user     INTEGER NOT NULL REFERENCES users (user) ON DELETE CASCADE,
    interest INTEGER NOT NULL,
    -- What the user said: name, muted, pinned, weight (JSON).
    edits    TEXT NOT NULL,
    -- The interest that this one was merged into.
    merged   INTEGER,
    papers   TEXT NOT NULL,
    PRIMARY KEY (user, interest)
) STRICT, WITHOUT ROWID;

-- Raised with every change of the events.
ALTER TABLE counter ADD COLUMN events INTEGER NOT NULL DEFAULT 0;
",
    "
-- A list is walked in its order, and within a span of days read from the index alone.
CREATE INDEX papers_by_upvotes ON papers (upvotes);
CREATE INDEX papers_by_trending ON papers (trending);
DROP INDEX papers_by_list_day;
CREATE INDEX papers_by_list_day ON papers (list_day, row, upvotes, trending);

-- How many papers there are, so that nobody counts them for every page of a list.
ALTER TABLE counter ADD COLUMN papers INTEGER NOT NULL DEFAULT 0;
UPDATE counter SET papers = (SELECT count(*) FROM papers);
CREATE TRIGGER papers_more AFTER INSERT ON papers BEGIN UPDATE counter SET papers = papers + 1; END;
CREATE TRIGGER papers_less AFTER DELETE ON papers BEGIN UPDATE counter SET papers = papers - 1; END;

CREATE INDEX removed_by_change ON removed (change);
",
    "
-- A paper that is dated ahead of the clock counts as of today among the trending, and no longer stands before all.
UPDATE papers
SET trending = trending - list_day / 2.0 + coalesce(
    (SELECT max(list_day) FROM papers WHERE list_day <= CAST(julianday('now') - 2440587.5 AS INTEGER)),
    CAST(julianday('now') - 2440587.5 AS INTEGER)
) / 2.0
WHERE list_day > CAST(julianday('now') - 2440587.5 AS INTEGER);
",
    "
-- Reading lists that users brought. A number is used once among those of a user.
ALTER TABLE users ADD COLUMN imports INTEGER NOT NULL DEFAULT 0;
CREATE TABLE imports (
    user   INTEGER NOT NULL REFERENCES users (user) ON DELETE CASCADE,
    import INTEGER NOT NULL,
    begun  INTEGER NOT NULL,
    -- 0 running, 1 done, 2 failed, 3 interrupted.
    status INTEGER NOT NULL,
    done   INTEGER NOT NULL,
    total  INTEGER NOT NULL,
    -- What it is and what came of it; and entry by entry, once it is done (JSON).
    about  TEXT NOT NULL,
    answer TEXT,
    PRIMARY KEY (user, import)
) STRICT, WITHOUT ROWID;

-- What imports added and nobody else: it goes with the last import that has a claim on it.
CREATE TABLE import_events (
    user   INTEGER NOT NULL,
    paper  TEXT NOT NULL,
    kind   INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    import INTEGER NOT NULL,
    PRIMARY KEY (user, paper, kind, at, import),
    FOREIGN KEY (user, import) REFERENCES imports (user, import) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX import_events_by_import ON import_events (user, import);
CREATE TABLE import_papers (
    user   INTEGER NOT NULL,
    id     TEXT NOT NULL,
    import INTEGER NOT NULL,
    PRIMARY KEY (user, id, import),
    FOREIGN KEY (user, import) REFERENCES imports (user, import) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX import_papers_by_import ON import_papers (user, import);
",
    "
-- What can say of two papers with one title that they are two works; none beside keys that are ids.
ALTER TABLE works ADD COLUMN doi TEXT;
ALTER TABLE works ADD COLUMN year INTEGER;

-- By which rules the texts of the papers were read last (paper::READING): the hashes, keys and names here are by these.
ALTER TABLE counter ADD COLUMN reading INTEGER NOT NULL DEFAULT 0;
",
    "
-- What a reader said of an interest holds for the papers that were in it then. Of what was said before this was known,
-- those are the papers that were found in it last.
ALTER TABLE interests ADD COLUMN anchor TEXT NOT NULL DEFAULT '[]';
UPDATE interests SET anchor = papers
WHERE merged IS NOT NULL
   OR json_extract(edits, '$.muted') OR json_extract(edits, '$.pinned')
   OR json_extract(edits, '$.name') IS NOT NULL OR json_extract(edits, '$.weight') IS NOT NULL
   OR EXISTS (SELECT 1 FROM interests AS part WHERE part.user = interests.user AND part.merged = interests.interest);
",
    "
-- The day on which an event came (days since 1970, UTC, by the clock of this machine): whoever sends one can choose its time,
-- and not this day. Those that were there before came before; their own day is the best that is known of it.
ALTER TABLE events ADD COLUMN received INTEGER NOT NULL DEFAULT 0;
UPDATE events SET received = (at - ((at % 86400000000) + 86400000000) % 86400000000) / 86400000000;

-- What decides which acts of readers are told (engine/readership). It never leaves the folder.
ALTER TABLE counter ADD COLUMN secret BLOB;
UPDATE counter SET secret = randomblob(32);
-- The first day whose acts are not told yet, and the batches told so far: what is forgotten later moves neither.
ALTER TABLE counter ADD COLUMN told INTEGER;
ALTER TABLE counter ADD COLUMN batches INTEGER NOT NULL DEFAULT 0;
",
    "
-- The number of the last commit, whatever it wrote: what was acknowledged is known by it also outside of the database.
ALTER TABLE counter ADD COLUMN commits INTEGER NOT NULL DEFAULT 0;
",
    "
-- What runs without being asked: who runs it, and what became of it the last time. Times in microseconds since 1970.
CREATE TABLE jobs (
    name      TEXT PRIMARY KEY,
    -- Who runs it, since when, and when that ends unless it is renewed.
    holder    TEXT,
    since     INTEGER,
    until     INTEGER,
    -- When its schedule was served last.
    scheduled INTEGER,
    runs      INTEGER NOT NULL DEFAULT 0,
    failures  INTEGER NOT NULL DEFAULT 0,
    -- The last run: when it began, how long it took, why it was run, why it failed, and what it did (JSON).
    began     INTEGER,
    took_us   INTEGER,
    why       TEXT,
    error     TEXT,
    did       TEXT
) STRICT, WITHOUT ROWID;

-- The version of a user whose interests were kept last: of those who are behind they are to be found again. Until now they were
-- found whenever somebody asked.
ALTER TABLE users ADD COLUMN found INTEGER NOT NULL DEFAULT 0;
UPDATE users SET found = version;
CREATE INDEX users_not_found ON users (user) WHERE found < version;
",
    "
-- What opens the service to programs. Of a secret only its hash is here (BLAKE3). A key that is taken back is deleted.
CREATE TABLE keys (
    key     INTEGER PRIMARY KEY AUTOINCREMENT,
    id      TEXT NOT NULL UNIQUE,
    name    TEXT NOT NULL,
    -- Words with spaces between them.
    scopes  TEXT NOT NULL,
    -- The one reader for whom it acts.
    user    INTEGER REFERENCES users (user) ON DELETE CASCADE,
    hash    BLOB NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER,
    -- When it was used last.
    used    INTEGER
) STRICT;
CREATE INDEX keys_by_user ON keys (user) WHERE user IS NOT NULL;
",
    "
-- Who is signed in with a browser. What opens a session or a link is kept as its hash (BLAKE3).
CREATE TABLE sessions (
    id      TEXT PRIMARY KEY,
    hash    BLOB NOT NULL UNIQUE,
    -- The id of the key that it was begun with; none where it was a link.
    key     TEXT,
    -- The one reader for whom it acts.
    user    INTEGER REFERENCES users (user) ON DELETE CASCADE,
    created INTEGER NOT NULL,
    seen    INTEGER NOT NULL,
    until   INTEGER NOT NULL,
    browser TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user) WHERE user IS NOT NULL;
CREATE TABLE sign_in_links (
    hash    BLOB PRIMARY KEY,
    user    INTEGER NOT NULL REFERENCES users (user) ON DELETE CASCADE,
    created INTEGER NOT NULL,
    until   INTEGER NOT NULL,
    used    INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_in_links_by_user ON sign_in_links (user);
",
    "
-- Papers that were taken back. They are on no list of a day.
ALTER TABLE papers ADD COLUMN retired INTEGER NOT NULL DEFAULT 0;
UPDATE papers SET retired = 1, list_day = NULL, upvotes = 0, trending = 0
WHERE (json LIKE '%\"status\"%' OR json LIKE '%\"is_retracted\"%') AND json_valid(json)
  AND (lower(json_extract(json, '$.extra.status')) IN ('retracted', 'withdrawn')
       OR json_extract(json, '$.extra.is_retracted') = 1);
CREATE INDEX papers_retired ON papers (row) WHERE retired <> 0;

-- What each source says of a paper, under the source's own name for it. A paper that has none is as it was given by hand; that of
-- the source '' is what was given by hand of a paper that has others.
CREATE TABLE records (
    record INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    key    TEXT NOT NULL,
    kind   TEXT NOT NULL,
    -- The id of the paper it is of; none where that was taken away by hand.
    paper  TEXT,
    hash   BLOB NOT NULL,
    -- When it was changed last, in microseconds since 1970.
    since  INTEGER NOT NULL,
    -- Whether the source has taken it away.
    gone   INTEGER NOT NULL,
    -- None where it says what the paper says.
    json   TEXT,
    UNIQUE (source, key)
) STRICT;
CREATE INDEX records_by_paper ON records (paper) WHERE paper IS NOT NULL;
CREATE INDEX records_buried ON records (key) WHERE paper IS NULL;

-- Ids that papers had before they were known to be one with another.
CREATE TABLE former_ids (id TEXT PRIMARY KEY, paper TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX former_ids_by_paper ON former_ids (paper);

-- Where to go on with each source, how many records it has, and when it was last read to its end.
CREATE TABLE sources (
    name      TEXT PRIMARY KEY,
    place     TEXT,
    records   INTEGER NOT NULL DEFAULT 0,
    succeeded INTEGER
) STRICT, WITHOUT ROWID;
",
    "
-- The change with which a paper first came: a new text of it has another row, and the same arrival. What was there before this was
-- known came before everything that is asked for.
ALTER TABLE papers ADD COLUMN arrived INTEGER NOT NULL DEFAULT 0;
CREATE INDEX papers_by_arrival ON papers (arrived);

-- What the addresses in mails and the calls of webhooks are signed with.
ALTER TABLE counter ADD COLUMN signing BLOB;
UPDATE counter SET signing = randomblob(32);
",
    "
-- Who gets what by mail. Times in microseconds since 1970; days since 1970.
CREATE TABLE subscriptions (
    id            TEXT PRIMARY KEY,
    email         TEXT NOT NULL,
    -- The reader whose history orders the papers.
    user          INTEGER REFERENCES users (user) ON DELETE CASCADE,
    -- What is sent, and when (JSON).
    plan          TEXT NOT NULL,
    -- 0 waiting for an answer, 1 active, 2 paused, 3 ended.
    state         INTEGER NOT NULL,
    reason        TEXT,
    until         INTEGER,
    created       INTEGER NOT NULL,
    confirmed     INTEGER,
    since         INTEGER NOT NULL,
    failures      INTEGER NOT NULL,
    next          INTEGER,
    issue         INTEGER,
    looked_day    INTEGER,
    looked_change INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX subscriptions_by_email ON subscriptions (lower(email));
CREATE INDEX subscriptions_by_user ON subscriptions (user) WHERE user IS NOT NULL;
CREATE INDEX subscriptions_by_next ON subscriptions (next) WHERE next IS NOT NULL;

-- Mails that are to be sent, and that were.
CREATE TABLE deliveries (
    delivery      INTEGER PRIMARY KEY AUTOINCREMENT,
    subscription  TEXT NOT NULL REFERENCES subscriptions (id) ON DELETE CASCADE,
    -- The day; below zero for those that ask whether it is wanted.
    issue         INTEGER NOT NULL,
    message_id    TEXT NOT NULL,
    -- 0 waiting, 1 given to the server as far as is known, 2 sent, 3 given up.
    state         INTEGER NOT NULL,
    attempts      INTEGER NOT NULL,
    since         INTEGER NOT NULL,
    retry         INTEGER,
    error         TEXT,
    content       TEXT NOT NULL,
    -- How the subscription stood before, for when this is taken back.
    before_issue  INTEGER,
    before_day    INTEGER,
    before_change INTEGER NOT NULL,
    UNIQUE (subscription, issue)
) STRICT;
CREATE INDEX deliveries_to_send ON deliveries (delivery) WHERE state < 2;

-- The papers that were in mails to an address, which is in small letters here.
CREATE TABLE had_papers (
    email    TEXT NOT NULL,
    paper    TEXT NOT NULL,
    delivery INTEGER REFERENCES deliveries (delivery) ON DELETE SET NULL,
    PRIMARY KEY (email, paper)
) STRICT, WITHOUT ROWID;
CREATE INDEX had_papers_by_paper ON had_papers (paper);
CREATE INDEX had_papers_by_delivery ON had_papers (delivery) WHERE delivery IS NOT NULL;
",
    following::SCRIPT,
    kept::SCRIPT,
];

mod following;
mod kept;
#[cfg(test)]
mod tests;
