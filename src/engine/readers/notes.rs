//! What a reader writes on papers.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::bounds;
use crate::engine::answer::check_limit;
use crate::engine::page::{Cursor, Page};
use crate::engine::readers::Readers;
use crate::error::{Error, Result};
use crate::paper::{Paper, PaperId, Row, head};
use crate::store::{Slice, StoredNote, User};
use crate::user::{Moment, UserId, is_seen};

/// The longest note that is taken in from elsewhere, in characters.
const LONGEST: usize = 8 * bounds::NOTE_CHARS;

/// A note as its reader sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NoteView {
    /// Plain text of 1 to 10,000 characters; lines end in `\n`.
    #[schema(min_length = 1)]
    pub text: String,
    /// When it was first written.
    #[schema(value_type = String, format = DateTime)]
    pub created: Moment,
    /// When it was changed last.
    #[schema(value_type = String, format = DateTime)]
    pub changed: Moment,
}

impl From<StoredNote> for NoteView {
    fn from(note: StoredNote) -> Self {
        NoteView { text: note.text, created: note.created, changed: note.changed }
    }
}

/// A note with the paper that it is on.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Noted {
    /// The id of the paper.
    #[schema(value_type = String)]
    pub id: PaperId,
    /// The paper; null where it is neither in the corpus nor in the reader's library any more.
    pub paper: Option<Paper>,
    /// Whether it is in the corpus.
    pub in_corpus: bool,
    /// The note.
    pub note: NoteView,
}

impl Readers {
    /// What a reader wrote on a paper.
    pub fn note(&self, name: &str, paper: &PaperId) -> Result<Option<NoteView>> {
        let user = self.store.user(name)?.number;
        let id = self.given_ids(name, &[paper])?.remove(0);
        Ok(self.store.notes_on(user, &[&*id])?.pop().flatten().map(NoteView::from))
    }

    /// Writes a note in the place of the one that is there; the reader is made if new.
    pub fn put_note(&self, name: &str, paper: &PaperId, text: &str) -> Result<NoteView> {
        let (user, text) = (UserId::new(name)?, checked(text)?);
        let id = self.given_ids(name, &[paper])?.remove(0);
        let written = self.store.put_note(&user, &id, &text, Moment::now(), bounds::NOTES)?.ok_or_else(|| {
            Error::Invalid(format!("a reader can have {} notes; delete one to write another", bounds::NOTES))
        })?;
        self.wrote();
        Ok(written.into())
    }

    /// Forgets a note.
    pub fn delete_note(&self, name: &str, paper: &PaperId) -> Result<()> {
        let user = self.store.user(name)?.number;
        let id = self.given_ids(name, &[paper])?.remove(0);
        self.store.delete_note(user, &id)?;
        self.wrote();
        Ok(())
    }

    /// A page of what a reader wrote, what was changed last first.
    pub fn notes(&self, name: &str, limit: usize, cursor: Option<&str>) -> Result<Page<Noted>> {
        check_limit(limit)?;
        let skip: usize = Cursor::given(cursor)?.unwrap_or(0);
        let user = self.store.user(name)?.number;
        let Slice { items, next, total } = self.store.notes(user, skip, limit)?;
        let ids: Vec<&PaperId> = items.iter().map(|note| &note.paper).collect();
        let papers = self.papers_named(user, &ids)?;
        let noted = |(note, (paper, in_corpus)): (StoredNote, (Option<Paper>, bool))| Noted {
            id: note.paper.clone(),
            paper,
            in_corpus,
            note: note.into(),
        };
        let items = items.into_iter().zip(papers).map(noted).collect();
        Ok(Page::of(Slice { items, next, total }))
    }

    /// The papers of some ids, in the corpus or in a reader's library, in their order, and whether each is in the corpus.
    pub(super) fn papers_named(&self, user: i64, ids: &[&PaperId]) -> Result<Vec<(Option<Paper>, bool)>> {
        let rows = self.store.rows(ids)?;
        let there: Vec<Row> = rows.iter().flatten().copied().collect();
        let papers: HashMap<Row, Paper> = self.store.papers(&there)?.into_iter().collect();
        let mut outside: HashMap<PaperId, Paper> = HashMap::new();
        if there.len() < ids.len() {
            outside = self.store.library(user)?.into_iter().map(|paper| (paper.id.clone(), paper)).collect();
        }
        let of = |(id, row): (&&PaperId, Option<Row>)| match row {
            Some(row) => (papers.get(&row).cloned(), true),
            None => (outside.get(*id).cloned(), false),
        };
        Ok(ids.iter().zip(rows).map(of).collect())
    }

    /// What a reader wrote, on its way into another store.
    pub(super) fn exported_notes(&self, user: i64) -> Result<Vec<StoredNote>> {
        let mut all = Vec::new();
        self.store.each_note(user, &mut |note| all.push(note))?;
        all.sort_by(|a, b| (a.created, &a.paper).cmp(&(b.created, &b.paper)));
        Ok(all)
    }

    /// Takes in what a reader wrote elsewhere. What is no note is told and left out, as is what goes beyond what a reader can have.
    pub(super) fn restore_notes(&self, user: &User, brought: &[StoredNote]) -> Result<()> {
        let mut kept = Vec::with_capacity(brought.len());
        for note in brought {
            // Notes of papers that became one are longer than one may be.
            let text = cleaned(&note.text);
            if is_seen(&text) && text.chars().count() <= LONGEST {
                kept.push(StoredNote { text, ..note.clone() });
            } else {
                let paper = note.paper.as_str();
                tracing::warn!(
                    "a note of {:?} on {paper:?} is left out: it is empty, or longer than {LONGEST}",
                    user.name
                );
            }
        }
        let over = self.store.restore_notes(user.number, &kept, bounds::NOTES)?;
        if over > 0 {
            let most = bounds::NOTES;
            tracing::warn!("{over} notes of {:?} are left out: a reader can have {most}", user.name);
        }
        Ok(())
    }
}

/// A text with one kind of line break, without other control characters and without blanks around it.
fn cleaned(text: &str) -> String {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    lines.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect::<String>().trim().to_string()
}

fn checked(text: &str) -> Result<String> {
    let text = cleaned(text);
    if !is_seen(&text) {
        return Err(Error::Invalid("the note is empty; DELETE forgets the one that is there".into()));
    }
    let n = text.chars().count();
    if n > bounds::NOTE_CHARS {
        let most = bounds::NOTE_CHARS;
        let start = head(&text, 24);
        return Err(Error::Invalid(format!(
            "the note has {n} characters; {most} are allowed (it begins {start:?}): shorten it by {}",
            n - most
        )));
    }
    Ok(text)
}
