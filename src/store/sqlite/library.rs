//! Papers of users' libraries that are not in the corpus: they teach, and are never shown.

use rusqlite::{OptionalExtension, Transaction, params};

use super::claims::claim_paper;
use super::papers::paper_at;
use super::users::{ensure, touch};
use super::{SqliteStore, folders, limit, notes, vectors};
use crate::error::Result;
use crate::paper::Paper;
use crate::store::library::not_in_library;
use crate::store::papers::to_json;
use crate::store::{Fingerprints, Library, LibraryPaper, Slice, StoredModel};
use crate::user::UserId;

impl Library for SqliteStore {
    fn put_library_papers(&self, name: &UserId, papers: &[(&Paper, &[f32])], fingerprint: &str) -> Result<()> {
        self.write(|t| {
            let user = ensure(t, name)?;
            put(t, user, papers, fingerprint, None)?;
            touch(t, user)
        })
    }

    fn library(&self, user: i64) -> Result<Vec<Paper>> {
        self.read(|c| {
            c.prepare_cached("SELECT json FROM outside WHERE user = ?1 ORDER BY id")?
                .query_map([user], |r| paper_at(r, 0))?
                .collect()
        })
    }

    fn library_without_vector(&self, model: &StoredModel, n: usize) -> Result<Vec<Paper>> {
        self.read(|c| {
            c.prepare_cached(
                "SELECT min(o.json) FROM outside o WHERE NOT EXISTS (
                     SELECT 1 FROM vectors v JOIN models m USING (model)
                     WHERE m.fingerprint = ?1 AND v.text_hash = o.text_hash)
                 GROUP BY o.text_hash LIMIT ?2",
            )?
            .query_map(params![model.fingerprint, limit(n)], |r| paper_at(r, 0))?
            .collect()
        })
    }

    fn library_slice(&self, user: i64, skip: usize, n: usize) -> Result<Slice<LibraryPaper, usize>> {
        self.read(|c| {
            let total =
                c.prepare_cached("SELECT count(*) FROM outside WHERE user = ?1")?.query_row([user], |r| r.get(0))?;
            let papers: Vec<Paper> = c
                .prepare_cached(
                    "SELECT json FROM outside WHERE user = ?1
                     ORDER BY lower(json_extract(json, '$.title')), id LIMIT ?2 OFFSET ?3",
                )?
                .query_map(params![user, limit(n), limit(skip)], |r| paper_at(r, 0))?
                .collect::<rusqlite::Result<_>>()?;
            let mut claims =
                c.prepare_cached("SELECT import FROM import_papers WHERE user = ?1 AND id = ?2 ORDER BY import")?;
            let mut items = Vec::with_capacity(papers.len());
            for paper in papers {
                let imports = claims
                    .query_map(params![user, paper.id.as_str()], |r| r.get(0))?
                    .collect::<rusqlite::Result<_>>()?;
                items.push(LibraryPaper { paper, imports });
            }
            let end = skip.saturating_add(items.len());
            Ok(Slice { items, next: (end < total).then_some(end), total })
        })
    }

    fn remove_library_paper(&self, user: i64, id: &str) -> Result<()> {
        self.forget(|t| {
            if !drop_paper(t, user, id)? {
                return Ok(Err(not_in_library(id)));
            }
            t.execute("DELETE FROM import_papers WHERE user = ?1 AND id = ?2", params![user, id])?;
            let in_corpus: bool = t.query_row(
                "SELECT EXISTS (SELECT 1 FROM papers WHERE id = ?1) OR EXISTS (SELECT 1 FROM former_ids WHERE id = ?1)",
                [id],
                |r| r.get(0),
            )?;
            if !in_corpus {
                t.execute("DELETE FROM import_events WHERE user = ?1 AND paper = ?2", params![user, id])?;
                t.execute("DELETE FROM events WHERE user = ?1 AND paper = ?2", params![user, id])?;
                folders::drop_paper(t, user, id)?;
                notes::drop_note(t, user, id)?;
            }
            touch(t, user)?;
            Ok(Ok(()))
        })
    }
}

/// Keeps papers of a user's library that are not in the corpus, with their vectors. An import claims those that are new, and
/// those that imports alone have a claim on.
pub fn put(
    t: &Transaction<'_>,
    user: i64,
    papers: &[(&Paper, &[f32])],
    fingerprint: &str,
    import: Option<i64>,
) -> rusqlite::Result<()> {
    if papers.is_empty() {
        return Ok(());
    }
    let model: i64 = t.query_row("SELECT model FROM models WHERE fingerprint = ?1", [fingerprint], |r| r.get(0))?;
    for (paper, vector) in papers {
        let (id, text) = (paper.id.as_str(), Fingerprints::of(paper).text);
        let known: Option<[u8; 16]> = t
            .prepare_cached("SELECT text_hash FROM outside WHERE user = ?1 AND id = ?2")?
            .query_row(params![user, id], |r| r.get(0))
            .optional()?;
        t.prepare_cached(
            "INSERT INTO outside (user, id, text_hash, json) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (user, id) DO UPDATE SET text_hash = ?3, json = ?4",
        )?
        .execute(params![user, id, text, to_json(paper)])?;
        vectors::put(t, model, &text, vector)?;
        if let Some(old) = known.filter(|old| *old != text) {
            vectors::drop_unused(t, &old)?;
        }
        let Some(import) = import else { continue };
        let claimed: bool = t
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM import_papers WHERE user = ?1 AND id = ?2)")?
            .query_row(params![user, id], |r| r.get(0))?;
        if known.is_none() || claimed {
            claim_paper(t, user, id, import)?;
        }
    }
    Ok(())
}

/// Takes a paper out of a library, with a vector that nobody needs any more; whether there was one.
pub fn drop_paper(t: &Transaction<'_>, user: i64, id: &str) -> rusqlite::Result<bool> {
    let text: Option<[u8; 16]> = t
        .prepare_cached("DELETE FROM outside WHERE user = ?1 AND id = ?2 RETURNING text_hash")?
        .query_row(params![user, id], |r| r.get(0))
        .optional()?;
    if let Some(text) = &text {
        vectors::drop_unused(t, text)?;
    }
    Ok(text.is_some())
}
