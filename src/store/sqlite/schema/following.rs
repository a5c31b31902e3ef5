//! Organizations, what readers follow, and webhooks.

pub const SCRIPT: &str = "
-- Folded as the names of authors are. What stands in the papers already is folded behind this script (`open`).
CREATE TABLE organizations (
    name TEXT NOT NULL,
    row  INTEGER NOT NULL REFERENCES papers (row) ON DELETE CASCADE,
    PRIMARY KEY (name, row)
) STRICT, WITHOUT ROWID;
CREATE INDEX organizations_by_row ON organizations (row);
CREATE TABLE organizations_to_fold AS SELECT row, json_extract(json, '$.organization') AS name FROM papers
WHERE json LIKE '%\"organization\"%' AND json_valid(json) AND json_extract(json, '$.organization') IS NOT NULL;

-- What readers follow: a search, or a name; `seen` is the change of the papers up to which they have looked.
CREATE TABLE searches (
    search  INTEGER PRIMARY KEY AUTOINCREMENT,
    user    INTEGER NOT NULL REFERENCES users (user) ON DELETE CASCADE,
    kind    TEXT NOT NULL,
    text    TEXT NOT NULL,
    name    TEXT,
    muted   INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL,
    seen    INTEGER NOT NULL,
    UNIQUE (user, kind, text)
) STRICT;

-- Addresses that are told of new papers, up to the change `told`. What they are signed with is derived, and stands nowhere.
CREATE TABLE webhooks (
    webhook INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The reader whose it is, if it is one's, and the saved search that it is of, if it is of one.
    user    INTEGER REFERENCES users (user) ON DELETE CASCADE,
    search  INTEGER REFERENCES searches (search) ON DELETE CASCADE,
    kind    TEXT NOT NULL,
    text    TEXT NOT NULL,
    url     TEXT NOT NULL,
    created INTEGER NOT NULL,
    told    INTEGER NOT NULL,
    -- When its receiver ended it.
    ended   INTEGER
) STRICT;
CREATE INDEX webhooks_by_user ON webhooks (user) WHERE user IS NOT NULL;
CREATE INDEX webhooks_by_search ON webhooks (search) WHERE search IS NOT NULL;

-- What is to be told, is being told, or could not be told. What was told is counted and goes with the next.
CREATE TABLE webhook_calls (
    call     INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook  INTEGER NOT NULL REFERENCES webhooks (webhook) ON DELETE CASCADE,
    -- Ids of papers (JSON), and how many more there were.
    papers   TEXT NOT NULL,
    left_out INTEGER NOT NULL,
    made     INTEGER NOT NULL,
    -- Since when it is tried: later than it was made where it was given up and taken up again.
    since    INTEGER NOT NULL,
    -- waiting, done, dead; when it is to be tried, where it waits.
    state    TEXT NOT NULL,
    due      INTEGER,
    tries    INTEGER NOT NULL DEFAULT 0,
    tried    INTEGER,
    status   INTEGER,
    error    TEXT
) STRICT;
CREATE INDEX webhook_calls_by_webhook ON webhook_calls (webhook, call);
CREATE INDEX webhook_calls_due ON webhook_calls (due) WHERE due IS NOT NULL;
";
