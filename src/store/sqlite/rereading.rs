//! Folders of earlier versions, whose texts were read by other rules.

use roaring::RoaringBitmap;
use rusqlite::params;

use super::papers::{paper_at, put_names, remove, write_one};
use super::{SqliteStore, vectors, works};
use crate::error::Result;
use crate::paper::{Paper, READING};
use crate::store::{Fingerprints, Rereading, StoredModel};

impl Rereading for SqliteStore {
    fn is_reread(&self) -> Result<bool> {
        self.read(|c| c.query_row("SELECT reading >= ?1 FROM counter", [READING], |r| r.get(0)))
    }

    fn set_reread(&self) -> Result<()> {
        self.write(|t| t.execute("UPDATE counter SET reading = ?1", [READING]).map(drop))
    }

    fn reread_papers(&self, rows: &RoaringBitmap) -> Result<Vec<Paper>> {
        self.write(|t| {
            let mut find = t.prepare_cached("SELECT text_hash, json FROM papers WHERE row = ?1")?;
            let mut others = Vec::new();
            for row in rows {
                let mut found = find.query([row])?;
                let Some(r) = found.next()? else { continue };
                let (text, paper): ([u8; 16], Paper) = (r.get(0)?, paper_at(r, 1)?);
                put_names(t, row, &paper)?;
                works::put(t, row, &paper)?;
                if Fingerprints::of(&paper).text != text {
                    others.push(paper);
                }
            }
            Ok(others)
        })
    }

    fn replace_texts(&self, model: &StoredModel, papers: &[(Paper, Vec<f32>)]) -> Result<()> {
        self.write(|t| {
            let number = vectors::add(t, model)?;
            let change: u64 =
                t.query_row("UPDATE counter SET change = change + 1 RETURNING change", [], |r| r.get(0))?;
            for (paper, vector) in papers {
                let (old, arrived): (u32, u64) = t
                    .prepare_cached("SELECT row, arrived FROM papers WHERE id = ?1")?
                    .query_row([paper.id.as_str()], |r| Ok((r.get(0)?, r.get(1)?)))?;
                let prints = Fingerprints::of(paper);
                remove(t, old, change)?;
                let new = write_one(t, paper, &prints, None, (change, arrived))?;
                vectors::put(t, number, &prints.text, vector)?;
                t.prepare_cached("UPDATE OR REPLACE theme_papers SET row = ?2 WHERE row = ?1")?
                    .execute(params![old, new])?;
            }
            Ok(())
        })
    }

    fn reread_libraries(&self) -> Result<()> {
        self.write(|t| {
            let mut select = t.prepare("SELECT user, id, text_hash, json FROM outside")?;
            let mut found = select.query([])?;
            let mut others: Vec<(i64, String, [u8; 16], [u8; 16])> = Vec::new();
            while let Some(r) = found.next()? {
                let (old, new) = (r.get(2)?, Fingerprints::of(&paper_at(r, 3)?).text);
                if old != new {
                    others.push((r.get(0)?, r.get(1)?, old, new));
                }
            }
            for (user, id, old, new) in others {
                t.prepare_cached("UPDATE outside SET text_hash = ?3 WHERE user = ?1 AND id = ?2")?
                    .execute(params![user, id, new])?;
                vectors::drop_unused(t, &old)?;
            }
            Ok(())
        })
    }
}
