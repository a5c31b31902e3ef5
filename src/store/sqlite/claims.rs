//! What imports have a claim on.

use rusqlite::{Transaction, params};

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
