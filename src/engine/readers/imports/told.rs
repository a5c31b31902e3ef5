//! What is asked of an import, and what is told of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::engine::corpus::{Rejected, Warning};
use crate::engine::readers::format::Format;
use crate::engine::readers::history::RejectedUnit;
use crate::paper::Paper;
use crate::store::ImportStatus;
use crate::user::{EventKind, Moment};

/// What to do with references.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// What each reference counts as.
    pub kind: EventKind,
    /// Whether references that are not in the corpus are embedded, so that they teach all the same.
    pub embed_missing: bool,
    /// What the list is called, for whoever looks at it later: the name of its file. At most 200 characters are kept.
    pub name: Option<String>,
}

/// A reference that is in the corpus.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Matched {
    /// The reference's title, or what named it.
    pub reference: String,
    /// The paper's id.
    pub paper: String,
    /// How it was known: `id`, `doi`, `arxiv`, `title`, or another identifier.
    pub by: &'static str,
}

/// What became of the references, or would become of them. `matched`, `missing` and `rejected_total` together are all
/// entries of the list; one that names a paper again counts again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Imported {
    /// The import, by which it can be looked at and taken back; absent where nothing was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import: Option<String>,
    /// Whether this only says what would become of the list: nothing was written.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// How the list is written: as it was said, or as it was found.
    pub format: Format,
    /// Entries of the list.
    pub total: usize,
    /// References that are in the corpus.
    pub matched: Vec<Matched>,
    /// References that are not, by title or name.
    pub missing: Vec<String>,
    /// How many papers from outside the corpus teach by this list.
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
    /// Fields that are longer than a paper has room for, so that their entries go without them (the first thousand).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// How many such fields there were; absent for none.
    #[serde(skip_serializing_if = "is_zero")]
    pub warnings_total: usize,
    /// Every entry in the order of the list, with what was understood of it; only where nothing is written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<Entry>,
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// What was understood of an entry of a list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Entry {
    /// The line it begins on, from 1 (in CSL-JSON: its place).
    pub line: usize,
    /// What the list calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its title, or what names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its authors.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// Its date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// `matched`, `missing` or `rejected`.
    pub status: EntryStatus,
    /// The paper of the corpus that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paper: Option<String>,
    /// How that was known: `id`, `doi`, `arxiv`, `title`, or another identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<&'static str>,
    /// Whether it teaches although it is not in the corpus.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub teaches: bool,
    /// Why it is rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How an entry of a list fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EntryStatus {
    /// A paper of the corpus.
    Matched,
    /// Not in the corpus.
    Missing,
    /// Not understood.
    Rejected,
}

/// How far an import has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportProgress {
    /// The import.
    pub import: String,
    /// Entries that are dealt with.
    pub done: usize,
    /// Entries in all.
    pub total: usize,
    /// Papers from outside the corpus that were taken in so far.
    pub embedded: usize,
}

/// What the store keeps of an import, to be read again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ImportAbout {
    /// What the list is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How it is written.
    pub format: String,
    /// What its references count as.
    pub kind: Option<EventKind>,
    /// Whether what is not in the corpus teaches as well.
    pub embed_missing: bool,
    /// References that are in the corpus.
    pub matched_total: usize,
    /// References that are not.
    pub missing_total: usize,
    /// Entries that were not understood.
    pub rejected_total: usize,
    /// Papers from outside the corpus that were taken in.
    pub embedded: usize,
    /// Events that were new.
    pub accepted: usize,
    /// Events that were there already.
    pub unchanged: usize,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub ended: Option<Moment>,
    /// Why it broke off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A reading list that a user brought.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ImportView {
    /// By what it is called.
    pub id: String,
    /// `running`, `done`, `failed` (it broke off) or `interrupted` (the program ended meanwhile).
    pub status: ImportStatus,
    /// Entries that are dealt with.
    pub done: usize,
    /// Entries in all.
    pub total: usize,
    /// When it was begun.
    #[schema(value_type = String)]
    pub begun: Moment,
    /// What it is, and what came of it so far.
    #[serde(flatten)]
    pub about: ImportAbout,
    /// What came of it entry by entry, as the call that took it in answers; once it is done, where one import is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Imported>)]
    pub answer: Option<Value>,
}

/// A paper that a user's history has learned from and that is not in the corpus.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Outside {
    /// The paper.
    #[serde(flatten)]
    pub paper: Paper,
    /// The imports that brought it.
    pub imports: Vec<String>,
}

/// What went when an import was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Undone {
    /// Events.
    pub events: usize,
    /// Papers from outside the corpus.
    pub papers: usize,
}

impl ImportAbout {
    pub(super) fn text(&self) -> String {
        // Texts and numbers: writing them cannot fail.
        serde_json::to_string(self).unwrap_or_else(|_| "{}".into())
    }
}
