//! References of a list from elsewhere, and which papers of the corpus they name. What is done with them: `imports`.

use serde::Serialize;
use utoipa::ToSchema;

use crate::engine::corpus::MAX_LISTED;
use crate::engine::corpus::{Rejected, Warning};
use crate::engine::readers::Readers;
use crate::engine::readers::agreement::Facts;
use crate::engine::readers::format::Format;
use crate::error::Result;
use crate::paper::{Identifier, LeftOut, Paper, PaperId, Row, TELLING_TITLE, head, letters};
use crate::user::Moment;

/// A reference of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// What the list says of the paper, under an id made of its DOI, its arXiv id or its title.
    pub paper: Paper,
    /// Ids, DOIs and addresses that it names.
    pub names: Vec<String>,
    /// Whether it has a title of its own.
    pub titled: bool,
    /// When it came into the list.
    pub added: Option<Moment>,
    /// The line that it begins on (in JSON its place), counted from 1.
    pub line: usize,
    /// What the list itself calls it: a BibTeX key and the like.
    pub key: Option<String>,
    /// Fields that are longer than a paper has room for, so that it goes without them.
    pub left_out: Vec<LeftOut>,
    /// Why it cannot be taken although it was read.
    pub refused: Option<String>,
}

/// Entries of a list that are read; those behind them are rejected.
pub const MAX_ENTRIES: usize = 100_000;

/// A reference list, read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReferenceList {
    /// What it names, in its order.
    pub references: Vec<Reference>,
    /// What of it could not be read, or names nothing (the first thousand).
    pub rejected: Vec<Rejected>,
    /// How many those are in all.
    pub rejected_total: usize,
    /// Fields that are longer than a paper has room for, so that their references go without them (the first thousand).
    pub warnings: Vec<Warning>,
    /// How many such fields there were.
    pub warnings_total: usize,
    /// What their `line` counts.
    pub rejected_unit: RejectedUnit,
    /// Whether any entry could be read, be it that it names nothing.
    pub legible: bool,
    /// How the list is written: as it was said, or as it was found.
    pub format: Format,
    /// Where it is a part of a stream of papers: how many entries came before it. Of a part all that is rejected is listed, it
    /// may have any number of entries, and what a reference goes without stays with it.
    pub part: Option<usize>,
}

/// What the number of a rejected entry counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RejectedUnit {
    /// Lines of the text.
    #[default]
    Line,
    /// Entries of the list (CSL-JSON).
    Entry,
}

impl ReferenceList {
    /// A list that `read` fills.
    pub fn of(read: impl FnOnce(&mut Self)) -> Self {
        let mut list = ReferenceList::default();
        read(&mut list);
        list
    }

    /// Adds what was read of an entry that begins on a line (or, in JSON, stands at a place) and is called `key`: nothing
    /// where it does not say what it is about.
    pub fn add(&mut self, line: usize, key: Option<&str>, read: Option<Reference>) {
        match read {
            Some(Reference { refused: Some(reason), .. }) => {
                self.legible = true;
                self.reject(line, key, reason);
            }
            Some(_) if self.is_full() => self.overflow(line, key),
            Some(reference) if self.part.is_some() => {
                let key = key.filter(|key| !key.is_empty()).map(|key| head(key, 80));
                self.references.push(Reference { line, key, ..reference });
            }
            Some(mut reference) => {
                self.legible = true;
                let key = key.filter(|key| !key.is_empty()).map(|key| head(key, 80));
                for LeftOut { field, reason } in std::mem::take(&mut reference.left_out) {
                    self.warnings_total += 1;
                    if self.warnings.len() < MAX_LISTED {
                        self.warnings.push(Warning { line, id: key.clone(), field: field.into(), reason });
                    }
                }
                self.references.push(Reference { line, key, ..reference });
            }
            None => self.nameless(line, key, ""),
        }
    }

    /// Whether it has as many entries as a list may: those that come are rejected, and need not be read.
    pub fn is_full(&self) -> bool {
        self.part.is_none() && self.references.len() >= MAX_ENTRIES
    }

    /// Notes an entry of a list that is full.
    pub fn overflow(&mut self, line: usize, key: Option<&str>) {
        self.reject(line, key, format!("a list has at most {MAX_ENTRIES} entries; send the others by themselves"));
    }

    /// Notes an entry that was read and does not say what it is about; `more` goes on with the reason.
    pub fn nameless(&mut self, line: usize, key: Option<&str>, more: &str) {
        self.legible = true;
        self.reject(line, key, format!("it has neither a title nor an id, DOI or address{more}"));
    }

    /// Notes an entry that cannot be read.
    pub fn reject(&mut self, line: usize, key: Option<&str>, reason: String) {
        self.rejected_total += 1;
        if self.rejected.len() < MAX_LISTED || self.part.is_some() {
            let id = key.filter(|key| !key.is_empty()).map(|key| head(key, 80));
            self.rejected.push(Rejected { line, id, reason });
        }
    }
}

impl Readers {
    /// The paper of the corpus that a reference names, and how it was known.
    ///
    /// An identifier that both have settles it. A title does where nothing speaks against it: see
    /// [`Facts`](crate::engine::readers::agreement::Facts).
    pub(super) fn find_reference(&self, reference: &Reference) -> Result<Option<(PaperId, &'static str)>> {
        let ids: Vec<PaperId> = reference.names.iter().filter_map(|n| PaperId::new(n.trim()).ok()).collect();
        let refs: Vec<&PaperId> = ids.iter().collect();
        for (id, row) in ids.iter().zip(self.store.rows(&refs)?) {
            if row.is_some() {
                return Ok(Some((id.clone(), "id")));
            }
        }
        let keys: Vec<String> =
            reference.names.iter().filter_map(|n| Some(Identifier::parse(n)?.key().to_string())).collect();
        let (mut first, others): (Vec<&String>, Vec<&String>) = keys.iter().partition(|key| key.starts_with("doi:"));
        first.extend(others);
        for key in first {
            if let Some(id) = self.id_of(self.store.rows_of_key(key)?)? {
                return Ok(Some((id, known_by(key))));
            }
        }
        if reference.titled { self.find_title(reference) } else { Ok(None) }
    }

    fn find_title(&self, reference: &Reference) -> Result<Option<(PaperId, &'static str)>> {
        let mut rows: Vec<Row> = Vec::new();
        for key in reference.paper.work_keys().iter().filter(|k| k.starts_with("title:")) {
            rows.extend(self.store.rows_of_key(key)?);
        }
        let title = letters(&reference.paper.title);
        if title.len() >= TELLING_TITLE {
            for row in self.store.rows_of_title(&title)? {
                if !rows.contains(&row) {
                    rows.push(row);
                }
            }
        }
        if rows.is_empty() {
            return Ok(None);
        }
        let named = Facts::of(&reference.paper, &reference.names);
        let mut best: Option<(PaperId, u8)> = None;
        for (_, paper) in self.store.papers(&rows)? {
            // Of equals the first: rows come the newest first.
            match named.agreement(&Facts::of(&paper, &[]), &paper.title) {
                Some(agreement) if best.as_ref().is_none_or(|(_, so_far)| agreement > *so_far) => {
                    best = Some((paper.id.clone(), agreement));
                }
                _ => {}
            }
        }
        Ok(best.map(|(id, _)| (id, "title")))
    }

    fn id_of(&self, rows: Vec<Row>) -> Result<Option<PaperId>> {
        let Some(first) = rows.first() else { return Ok(None) };
        Ok(self.store.papers(&[*first])?.pop().map(|(_, paper)| paper.id))
    }
}

/// The word for the identifier that a key is.
fn known_by(key: &str) -> &'static str {
    let known = ["doi", "arxiv", "pmid", "pmcid", "corpusid", "acl", "openreview"];
    let prefix = key.split(':').next().unwrap_or_default();
    known.into_iter().find(|k| *k == prefix).unwrap_or("id")
}
