//! Folders and notes of readers.

pub const SCRIPT: &str = "
-- What was done with a paper is found without reading a whole history.
CREATE INDEX events_by_paper ON events (user, paper);

-- Names under which a reader puts papers. A paper is named by its id, as in events: what is said of it outlives its deletion.
CREATE TABLE folders (
    folder  INTEGER PRIMARY KEY AUTOINCREMENT,
    user    INTEGER NOT NULL REFERENCES users (user) ON DELETE CASCADE,
    name    TEXT NOT NULL,
    created INTEGER NOT NULL,
    UNIQUE (user, name)
) STRICT;
CREATE TABLE folder_papers (
    user   INTEGER NOT NULL,
    paper  TEXT NOT NULL,
    folder INTEGER NOT NULL REFERENCES folders (folder) ON DELETE CASCADE,
    at     INTEGER NOT NULL,
    PRIMARY KEY (user, paper, folder)
) STRICT, WITHOUT ROWID;
CREATE INDEX folder_papers_by_folder ON folder_papers (folder);

-- What readers wrote on papers.
CREATE TABLE notes (
    note    INTEGER PRIMARY KEY,
    user    INTEGER NOT NULL REFERENCES users (user) ON DELETE CASCADE,
    paper   TEXT NOT NULL,
    text    TEXT NOT NULL,
    created INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    UNIQUE (user, paper)
) STRICT;
";
