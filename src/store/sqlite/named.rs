//! Papers as what readers did names them: by an id that a paper may have had before it became one with another.

use rusqlite::Connection;

use crate::paper::PaperId;

/// The id that a paper has now, where a row of a table names it by one that it had before.
pub fn present(table: &str) -> String {
    format!(
        "coalesce((SELECT f.paper FROM former_ids f WHERE f.id = {table}.paper
         AND NOT EXISTS (SELECT 1 FROM papers p WHERE p.id = f.id)), {table}.paper)"
    )
}

/// The ids under which something may be kept of a paper: its own, then those that it had before.
pub fn names(c: &Connection, paper: &PaperId) -> rusqlite::Result<Vec<String>> {
    let mut names = vec![paper.to_string()];
    let mut select = c.prepare_cached(
        "SELECT id FROM former_ids f WHERE f.paper = ?1 AND NOT EXISTS (SELECT 1 FROM papers p WHERE p.id = f.id)
         ORDER BY id",
    )?;
    for name in select.query_map([paper.as_str()], |r| r.get(0))? {
        names.push(name?);
    }
    Ok(names)
}
