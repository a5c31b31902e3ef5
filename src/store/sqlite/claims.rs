//! What imports have a claim on.

use rusqlite::types::Value;
use rusqlite::{Transaction, params, params_from_iter};

use crate::user::Event;

/// Notes that an import named an event.
pub fn claim_event(t: &Transaction<'_>, user: i64, event: &Event, import: i64) -> rusqlite::Result<()> {
    t.prepare_cached(
        "INSERT OR IGNORE INTO import_events (user, paper, kind, at, import) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![user, event.paper.as_str(), event.kind as u8, event.at.0, import])?;
    Ok(())
}

/// Notes that an import named a paper from outside the corpus.
pub fn claim_paper(t: &Transaction<'_>, user: i64, id: &str, import: i64) -> rusqlite::Result<()> {
    t.prepare_cached("INSERT OR IGNORE INTO import_papers (user, id, import) VALUES (?1, ?2, ?3)")?
        .execute(params![user, id, import])?;
    Ok(())
}

/// Somebody has done by hand what imports had added: it is no longer theirs to take back.
pub fn disclaim(t: &Transaction<'_>, user: i64, event: &Event) -> rusqlite::Result<()> {
    t.prepare_cached("DELETE FROM import_events WHERE user = ?1 AND paper = ?2 AND kind = ?3 AND at = ?4")?
        .execute(params![user, event.paper.as_str(), event.kind as u8, event.at.0])?;
    Ok(())
}

/// Writes all claims anew, so that nothing is left of those that were deleted.
pub fn rewrite_claims(t: &Transaction<'_>) -> rusqlite::Result<()> {
    [("import_events", 5), ("import_papers", 3)].into_iter().try_for_each(|(table, columns)| rewrite(t, table, columns))
}

/// Writes a table of so many columns anew. What is deleted is overwritten where it stood, but SQLite leaves copies on pages that
/// were split before, and of a user who is forgotten nothing may be left; a table that is emptied as a whole is overwritten as a
/// whole.
pub fn rewrite(t: &Transaction<'_>, table: &str, columns: usize) -> rusqlite::Result<()> {
    let rows: Vec<Vec<Value>> = t
        .prepare(&format!("SELECT * FROM {table}"))?
        .query_map([], |r| (0..columns).map(|k| r.get(k)).collect())?
        .collect::<rusqlite::Result<_>>()?;
    t.execute(&format!("DELETE FROM {table}"), [])?;
    let places = vec!["?"; columns].join(", ");
    let mut insert = t.prepare(&format!("INSERT INTO {table} VALUES ({places})"))?;
    rows.into_iter().try_for_each(|row| insert.execute(params_from_iter(row)).map(drop))
}
