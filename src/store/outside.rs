//! Papers of users' libraries that are not in the corpus: they teach, and are never shown.

use rusqlite::{OptionalExtension, Transaction, params};

use super::claims::claim_paper;
use super::papers::{Fingerprints, paper_at, to_json};
use super::users::{ensure, touch};
use super::{Page, Store, StoredModel, list, vectors};
use crate::error::{Error, Result};
use crate::paper::{Paper, head};
use crate::user::UserId;

/// A paper of a user's library that is not in the corpus.
#[derive(Debug, Clone, PartialEq)]
pub struct OutsidePaper {
    /// The paper.
    pub paper: Paper,
    /// The imports that claim it; none where it came in another way.
    pub imports: Vec<i64>,
}

impl Store {
    /// Keeps papers of a user's library that are not in the corpus, with their vectors; the user is made if new.
    pub fn put_outside(&self, name: &UserId, papers: &[(&Paper, &[f32])], fingerprint: &str) -> Result<()> {
        self.write(|t| {
            let user = ensure(t, name)?;
            put_outside(t, user, papers, fingerprint, None)?;
            touch(t, user)
        })
    }

    /// The papers of a user's library that are not in the corpus.
    pub fn outside(&self, user: i64) -> Result<Vec<Paper>> {
        self.read(|c| {
            c.prepare_cached("SELECT json FROM outside WHERE user = ?1 ORDER BY id")?
                .query_map([user], |r| paper_at(r, 0))?
                .collect()
        })
    }

    /// Up to `n` papers of libraries that have no vector of a model.
    pub fn outside_lacking(&self, model: &StoredModel, n: usize) -> Result<Vec<Paper>> {
        self.read(|c| {
            c.prepare_cached(
                "SELECT min(o.json) FROM outside o WHERE NOT EXISTS (
                     SELECT 1 FROM vectors v JOIN models m USING (model)
                     WHERE m.fingerprint = ?1 AND v.text_hash = o.text_hash)
                 GROUP BY o.text_hash LIMIT ?2",
            )?
            .query_map(params![model.fingerprint, n], |r| paper_at(r, 0))?
            .collect()
        })
    }

    /// A page of the papers of a user's library that are not in the corpus, by title.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when the cursor is not one of ours.
    pub fn outside_page(&self, user: i64, limit: usize, cursor: Option<&str>) -> Result<Page<OutsidePaper>> {
        let offset: usize = cursor.map_or(Ok(0), |c| c.parse().map_err(|_| list::no_cursor(c)))?;
        self.read(|c| {
            let total =
                c.prepare_cached("SELECT count(*) FROM outside WHERE user = ?1")?.query_row([user], |r| r.get(0))?;
            let papers: Vec<Paper> = c
                .prepare_cached(
                    "SELECT json FROM outside WHERE user = ?1
                     ORDER BY lower(json_extract(json, '$.title')), id LIMIT ?2 OFFSET ?3",
                )?
                .query_map(params![user, limit, offset], |r| paper_at(r, 0))?
                .collect::<rusqlite::Result<_>>()?;
            let mut claims =
                c.prepare_cached("SELECT import FROM import_papers WHERE user = ?1 AND id = ?2 ORDER BY import")?;
            let mut items = Vec::with_capacity(papers.len());
            for paper in papers {
                let imports = claims
                    .query_map(params![user, paper.id.as_str()], |r| r.get(0))?
                    .collect::<rusqlite::Result<_>>()?;
                items.push(OutsidePaper { paper, imports });
            }
            let end = offset + items.len();
            Ok(Page { items, next: (end < total).then(|| end.to_string()), total })
        })
    }

    /// Takes a paper that is not in the corpus out of a user's library, and what the user did with it with it. Where a paper
    /// of the corpus has the same id by now, that is what the user's events speak of, and they stay.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the library holds none of this id.
    pub fn remove_outside(&self, user: i64, id: &str) -> Result<()> {
        self.write_or(|t| {
            if !drop_outside(t, user, id)? {
                return Ok(Err(Error::NotFound { what: "paper from outside the corpus", id: head(id, 80) }));
            }
            t.execute("DELETE FROM import_papers WHERE user = ?1 AND id = ?2", params![user, id])?;
            let in_corpus: bool =
                t.query_row("SELECT EXISTS (SELECT 1 FROM papers WHERE id = ?1)", [id], |r| r.get(0))?;
            if !in_corpus {
                t.execute("DELETE FROM import_events WHERE user = ?1 AND paper = ?2", params![user, id])?;
                t.execute("DELETE FROM events WHERE user = ?1 AND paper = ?2", params![user, id])?;
            }
            touch(t, user)?;
            t.execute("UPDATE counter SET events = events + 1", [])?;
            Ok(Ok(()))
        })?;
        self.empty_log();
        Ok(())
    }
}

/// Keeps papers of a user's library that are not in the corpus, with their vectors. An import claims those that are new, and
/// those that imports alone have a claim on.
pub fn put_outside(
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
pub fn drop_outside(t: &Transaction<'_>, user: i64, id: &str) -> rusqlite::Result<bool> {
    let text: Option<[u8; 16]> = t
        .prepare_cached("DELETE FROM outside WHERE user = ?1 AND id = ?2 RETURNING text_hash")?
        .query_row(params![user, id], |r| r.get(0))
        .optional()?;
    if let Some(text) = &text {
        vectors::drop_unused(t, text)?;
    }
    Ok(text.is_some())
}
