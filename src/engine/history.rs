//! A reading history from elsewhere: references matched to the corpus, the rest kept to learn from.

use std::collections::HashSet;

use serde::Serialize;
use utoipa::ToSchema;

use super::ingest::MAX_LISTED;
use super::{Engine, Format, Rejected};
use crate::error::{Error, Result};
use crate::paper::{Identifier, Paper, PaperId, Row, TELLING_TITLE, head, letters};
use crate::user::{Event, EventKind, Moment, UserId};

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
}

/// A reference list, read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReferenceList {
    /// What it names, in its order.
    pub references: Vec<Reference>,
    /// What of it could not be read, or names nothing (the first thousand).
    pub rejected: Vec<Rejected>,
    /// How many those are in all.
    pub rejected_total: usize,
    /// What their `line` counts.
    pub rejected_unit: RejectedUnit,
    /// Whether any entry could be read, be it that it names nothing.
    pub legible: bool,
    /// How the list is written: as it was said, or as it was found.
    pub format: Format,
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
    /// Adds what was read of an entry that begins on a line (or, in JSON, stands at a place) and is called `key`: nothing
    /// where it does not say what it is about.
    pub fn add(&mut self, line: usize, key: Option<&str>, read: Option<Reference>) {
        match read {
            Some(reference) => {
                self.legible = true;
                let key = key.filter(|key| !key.is_empty()).map(|key| head(key, 80));
                self.references.push(Reference { line, key, ..reference });
            }
            None => self.nameless(line, key, ""),
        }
    }

    /// Notes an entry that was read and does not say what it is about; `more` goes on with the reason.
    pub fn nameless(&mut self, line: usize, key: Option<&str>, more: &str) {
        self.legible = true;
        self.reject(line, key, format!("it has neither a title nor an id, DOI or address{more}"));
    }

    /// Notes an entry that cannot be read.
    pub fn reject(&mut self, line: usize, key: Option<&str>, reason: String) {
        self.rejected_total += 1;
        if self.rejected.len() < MAX_LISTED {
            let id = key.filter(|key| !key.is_empty()).map(|key| head(key, 80));
            self.rejected.push(Rejected { line, id, reason });
        }
    }
}

/// What to do with references.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Import {
    /// What each reference counts as.
    pub kind: EventKind,
    /// Whether references that are not in the corpus are embedded, so that they teach all the same.
    pub embed_missing: bool,
}

/// A reference that is in the corpus.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Matched {
    /// The reference's title, or what named it.
    pub reference: String,
    /// The paper's id.
    pub paper: String,
    /// How it was known: `id`, `doi`, `arxiv` or `title`.
    pub by: &'static str,
}

/// What became of the references.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Imported {
    /// References that are in the corpus.
    pub matched: Vec<Matched>,
    /// References that are not, by title or name.
    pub missing: Vec<String>,
    /// How many of those were embedded to learn from.
    pub embedded: usize,
    /// Events that are new.
    pub accepted: usize,
    /// Events that were there already.
    pub unchanged: usize,
    /// Entries of the list that could not be read, or name nothing (the first thousand).
    pub rejected: Vec<Rejected>,
    /// How many those are in all.
    pub rejected_total: usize,
    /// What their `line` counts: lines of the text, or (CSL-JSON) entries of the list.
    pub rejected_unit: RejectedUnit,
}

impl Engine {
    /// Takes references into a user's history; the user is made if new. A paper that has an event of this kind already gets
    /// no second one, so the same list may be imported again.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a name that is not allowed; whatever the model fails with.
    pub fn import_history(&self, name: &str, list: &ReferenceList, import: Import) -> Result<Imported> {
        let user = UserId::new(name)?;
        let now = Moment::now();
        let known: HashSet<PaperId> = match self.store.user(name) {
            Ok(user) => {
                let history = self.store.history(user.number)?;
                history.into_iter().filter(|e| e.kind == import.kind).map(|e| e.paper).collect()
            }
            Err(Error::NotFound { .. }) => HashSet::new(),
            Err(e) => return Err(e),
        };
        let mut out = Imported {
            rejected: list.rejected.clone(),
            rejected_total: list.rejected_total,
            rejected_unit: list.rejected_unit,
            ..Imported::default()
        };
        let (mut events, mut outside, mut done) = (Vec::new(), Vec::new(), HashSet::new());
        for reference in &list.references {
            let shown = if reference.titled { reference.paper.title.clone() } else { reference.names.join(" ") };
            let paper = match self.find_reference(reference)? {
                Some((id, by)) => {
                    out.matched.push(Matched { reference: shown, paper: id.to_string(), by });
                    id
                }
                None => {
                    out.missing.push(shown);
                    // An id alone says nothing of what the paper is about.
                    let prose = reference.titled && reference.paper.title.split_whitespace().count() > 1;
                    if !import.embed_missing || !prose {
                        continue;
                    }
                    outside.push(reference.paper.clone());
                    reference.paper.id.clone()
                }
            };
            if known.contains(&paper) {
                out.unchanged += 1;
            } else if done.insert(paper.clone()) {
                let at = reference.added.filter(|at| *at <= now).unwrap_or(now);
                events.push(Event { paper, kind: import.kind, at, weight: 1.0 });
            }
        }
        out.embedded = outside.len();
        self.put_outside(&user, &outside)?;
        if !events.is_empty() {
            let added = self.store.add_events(&user, &events)?;
            out.accepted = added.accepted;
            out.unchanged += added.unchanged;
        }
        Ok(out)
    }

    /// The paper of the corpus that a reference names, and how it was known.
    fn find_reference(&self, reference: &Reference) -> Result<Option<(PaperId, &'static str)>> {
        let ids: Vec<PaperId> = reference.names.iter().filter_map(|n| PaperId::new(n.trim()).ok()).collect();
        let refs: Vec<&PaperId> = ids.iter().collect();
        for (id, row) in ids.iter().zip(self.store.rows(&refs)?) {
            if row.is_some() {
                return Ok(Some((id.clone(), "id")));
            }
        }
        let keys: Vec<String> =
            reference.names.iter().filter_map(|n| Some(Identifier::parse(n)?.key().to_string())).collect();
        for (prefix, by) in [("doi:", "doi"), ("arxiv:", "arxiv")] {
            for key in keys.iter().filter(|k| k.starts_with(prefix)) {
                if let Some(id) = self.id_of(self.store.rows_of_key(key)?)? {
                    return Ok(Some((id, by)));
                }
            }
        }
        if !reference.titled {
            return Ok(None);
        }
        for key in reference.paper.work_keys().iter().filter(|k| k.starts_with("title:")) {
            if let Some(id) = self.id_of(self.store.rows_of_key(key)?)? {
                return Ok(Some((id, "title")));
            }
        }
        let title = letters(&reference.paper.title);
        if title.len() < TELLING_TITLE {
            return Ok(None);
        }
        Ok(self.id_of(self.store.rows_of_title(&title)?)?.map(|id| (id, "title")))
    }

    fn id_of(&self, rows: Vec<Row>) -> Result<Option<PaperId>> {
        let Some(first) = rows.first() else { return Ok(None) };
        Ok(self.store.papers(&[*first])?.pop().map(|(_, paper)| paper.id))
    }
}
