//! Which paper a text names: the one place where ids are looked up, for every call that takes one.
//!
//! An id as it was given always wins. Otherwise the forms of one identifier ([`Identifier`]) are one, upper and lower case of
//! other ids are alike, and of several versions the one that was named is taken, else the newest.

use roaring::RoaringBitmap;

use crate::cancel;
use crate::engine::corpus::Corpus;
use crate::engine::corpus::embedding_space::EmbeddingSpace;
use crate::engine::corpus::follow::Handed;
use crate::error::{Error, Result};
use crate::paper::{Filter, Identifier, Paper, PaperId, Row, id_key};

impl Corpus {
    /// The row and the paper that a text names.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub(super) fn named(&self, text: &str) -> Result<(Row, Paper)> {
        if let Some(found) = self.store.paper(text)? {
            return Ok(found);
        }
        let found = self.named_otherwise(text)?.map(|row| self.store.papers(&[row])).transpose()?;
        found.into_iter().flatten().next().ok_or_else(|| Error::no_paper(text))
    }

    /// The rows that some texts name, in their order; none where there is no such paper.
    pub(super) fn rows_named(&self, ids: &[&PaperId]) -> Result<Vec<Option<Row>>> {
        let mut rows = self.store.rows(ids)?;
        for (id, row) in ids.iter().zip(&mut rows).filter(|(_, row)| row.is_none()) {
            *row = self.named_otherwise(id.as_str())?;
        }
        Ok(rows)
    }

    /// The rows that all of some texts name, in their order.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the first that names none.
    pub fn rows_of_all_named(&self, ids: &[PaperId]) -> Result<Vec<Row>> {
        let refs: Vec<&PaperId> = ids.iter().collect();
        let exactly = self.store.rows(&refs)?;
        let otherwise = |id: &PaperId| self.named_otherwise(id.as_str())?.ok_or_else(|| Error::no_paper(id.as_str()));
        ids.iter().zip(exactly).map(|(id, row)| row.map_or_else(|| otherwise(id), Ok)).collect()
    }

    /// The rows on a filter's `exclude` list, as far as they are there.
    pub fn excluded(&self, filter: &Filter) -> Result<RoaringBitmap> {
        let ids: Vec<&PaperId> = filter.exclude.iter().collect();
        Ok(self.rows_named(&ids)?.into_iter().flatten().map(|row| row.0).collect())
    }

    /// The id of the one paper that a text names beyond doubt, for a call that cannot be taken back: its id, or an identifier
    /// that no second paper has. Naming a version means that one alone.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none; [`Error::Invalid`] names them when there are several.
    pub(super) fn named_beyond_doubt(&self, text: &str) -> Result<PaperId> {
        if let Some((_, paper)) = self.store.paper(text)? {
            return Ok(paper.id);
        }
        let asked = Identifier::parse(text).ok_or_else(|| Error::no_paper(text))?;
        let rows = self.store.rows_of_key(asked.key())?;
        let mut ids: Vec<PaperId> = self.store.papers(&rows)?.into_iter().map(|(_, paper)| paper.id).collect();
        let is_it = |id: &PaperId| Identifier::parse(id.as_str()).as_ref() == Some(&asked);
        if ids.len() > 1 || asked.version().is_some() {
            let all = ids.clone();
            ids.retain(is_it);
            if ids.is_empty() && asked.version().is_none() {
                ids = all;
            }
        }
        match &ids[..] {
            [] => Err(Error::no_paper(text)),
            [one] => Ok(one.clone()),
            several => {
                let named: Vec<&str> = several.iter().take(5).map(PaperId::as_str).collect();
                let message = format!("{text:?} names {} papers: take one by its id ({})", ids.len(), named.join(", "));
                Err(Error::Invalid(message))
            }
        }
    }

    /// The row of the paper that a text names which is no id of the corpus.
    pub fn named_otherwise(&self, text: &str) -> Result<Option<Row>> {
        let given = text;
        let text = text.trim();
        if let Some(asked) = Identifier::parse(text) {
            let rows = self.store.rows_of_key(asked.key())?;
            if let [_, _, ..] = rows[..] {
                return self.closest(&asked, &rows);
            }
            if let [row] = rows[..] {
                return Ok(Some(row));
            }
        }
        let Ok(id) = PaperId::new(text) else { return Ok(None) };
        if text.len() < given.len()
            && let Some(row) = self.store.rows(&[&id])?.into_iter().flatten().next()
        {
            return Ok(Some(row));
        }
        Ok(self.store.rows_of_key(&id_key(id.base()))?.first().copied())
    }

    /// Of the rows that an identifier names (the newest first), the one whose own id is it, version and all; else one that
    /// has it as its id in another version; else the newest.
    fn closest(&self, asked: &Identifier, rows: &[Row]) -> Result<Option<Row>> {
        let papers = self.store.papers(rows)?;
        let distance = |paper: &Paper| match Identifier::parse(paper.id.as_str()) {
            Some(own) if own == *asked => 0,
            Some(own) if own.key() == asked.key() => 1,
            _ => 2,
        };
        Ok(papers.iter().min_by_key(|(_, paper)| distance(paper)).map(|(row, _)| *row))
    }

    /// The papers that some texts name, in their order, with their vectors.
    ///
    /// # Errors
    /// As for [`Corpus::with_vector`].
    pub(super) fn with_vectors(&self, space: &EmbeddingSpace, ids: &[&str]) -> Result<Vec<WithVector>> {
        let named: Vec<(Row, Paper)> = ids.iter().map(|id| self.named(id)).collect::<Result<_>>()?;
        let vectors = space.vectors(&named.iter().map(|(row, _)| *row).collect::<Vec<_>>())?;
        let known = named.into_iter().zip(vectors);
        let whole = known.map(|((row, paper), vector)| vector.map(|vector| WithVector { row, paper, vector }));
        // One without a vector is being written just now.
        whole.zip(ids).map(|(whole, id)| whole.map_or_else(|| self.with_vector(space, id), Ok)).collect()
    }

    /// The paper that a text names, with its vector.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none; [`Error::Overloaded`] when it came in after the corpus had moved on to another
    /// space.
    pub(super) fn with_vector(&self, space: &EmbeddingSpace, id: &str) -> Result<WithVector> {
        for _ in 0..PATIENCE {
            cancel::check()?;
            let (row, paper) = self.named(id)?;
            if let Some(vector) = space.vectors(&[row])?.pop().flatten() {
                return Ok(WithVector { row, paper, vector });
            }
            // The paper came, went or changed between the look into the store and that into the index: once that is followed,
            // both say the same.
            self.derived.follow(&Handed::default());
        }
        if self.space().model.fingerprint != space.model.fingerprint {
            return Err(Error::Overloaded("the papers have just moved to another model; try again in a moment".into()));
        }
        Err(Error::Internal(format!("the paper {id:?} has no vector")))
    }
}

/// Looks for a paper that is written to all the time.
const PATIENCE: usize = 10;

/// A paper with its row and vector.
pub struct WithVector {
    pub row: Row,
    pub paper: Paper,
    pub vector: Vec<f32>,
}
