//! What a reader keeps: the papers that they saved or liked, in the corpus or not, and what their library holds besides; in folders,
//! with notes, in an order, or as far as a query finds it (`found`).

mod found;

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::bounds;
use crate::engine::answer::Mode;
use crate::engine::page::{Cursor, Page};
use crate::engine::readers::Readers;
use crate::engine::readers::folder_ids::{folder_id, folder_number};
use crate::engine::readers::notes::NoteView;
use crate::error::{Error, Result};
use crate::paper::person::PersonName;
use crate::paper::{Paper, PaperId, Row, unaccented};
use crate::store::Slice;
use crate::user::{Deed, Event, EventKind, Moment, Stance, opinion};

/// A paper that a user keeps.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Kept {
    /// The paper.
    #[serde(flatten)]
    pub paper: Paper,
    /// `save` where they saved it and have not taken that back, else `like`. Absent where they said nothing of it, and it came with a reading list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<EventKind>,
    /// When that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub at: Option<Moment>,
    /// Whether it is in the corpus; else it came with a reading list.
    pub in_corpus: bool,
    /// The ids of the folders that it is in, in the order in which these were made.
    pub folders: Vec<String>,
    /// What its reader wrote on it; absent where that is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<NoteView>,
    /// How well it answers the query; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f32>,
}

/// By what a library is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LibrarySort {
    /// What was said first; then what nothing was said of, by title. So what is kept later changes nothing before it.
    Oldest,
    /// What was said last; then what nothing was said of, by title.
    Newest,
    /// By title, upper and lower case and accents alike.
    Title,
    /// By date of the paper, the newest first; those without a date are last.
    Date,
    /// By the surname of the first author, then by date; those without authors are last.
    Author,
    /// What answers the query best. Without a query as `oldest`.
    Best,
}

/// Which part of a library by folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InFolder {
    /// What is in this folder, by its id.
    Of(String),
    /// What is in no folder.
    Nowhere,
}

/// Which papers of a library, and in which order.
#[derive(Debug, Clone, PartialEq)]
pub struct LibraryOptions {
    /// Only those that answer this query; none for all.
    pub query: Option<String>,
    /// How texts are compared with the query.
    pub mode: Mode,
    /// Only those in a folder, or in none.
    pub folder: Option<InFolder>,
    /// Only those that are saved (`save`), or liked and not saved (`like`).
    pub kind: Option<EventKind>,
    /// The order; none for the best answers first where there is a query, else for what was said first.
    pub sort: Option<LibrarySort>,
    /// Papers wanted, 1 to [`bounds::HITS`].
    pub limit: usize,
    /// Papers to pass over first.
    pub offset: usize,
}

impl Default for LibraryOptions {
    fn default() -> Self {
        LibraryOptions {
            query: None,
            mode: Mode::default(),
            folder: None,
            kind: None,
            sort: None,
            limit: 50,
            offset: 0,
        }
    }
}

/// A paper that is kept, before it is read.
pub(super) struct Entry {
    /// Its id.
    pub paper: PaperId,
    /// Its row, where it is in the corpus.
    pub row: Option<Row>,
    /// What was said last of it that it is kept for, and when; none where nothing was said.
    pub said: Option<(EventKind, Moment)>,
}

/// What a reader keeps.
pub(super) struct Collection {
    /// In the order of what was said, then what nothing was said of, by title.
    pub entries: Vec<Entry>,
    /// Papers that are not in the corpus.
    pub outside: HashMap<PaperId, Paper>,
}

/// What a user said last of a paper.
struct Said {
    paper: PaperId,
    /// None where it is none that is kept for.
    kept: Option<(EventKind, Moment)>,
    /// Whether they want no more of it.
    never: bool,
}

impl Readers {
    /// A page of what a user keeps: what they saved or liked, oldest first, so that what is kept later changes nothing before
    /// it; then what their library holds besides, by title.
    pub fn collection(&self, name: &str, limit: usize, cursor: Option<&str>) -> Result<Page<Kept>> {
        let offset = Cursor::given(cursor)?.unwrap_or(0);
        self.kept_page(name, &LibraryOptions { limit, offset, ..LibraryOptions::default() })
    }

    /// A page of what a user keeps, as it is asked for.
    pub fn kept_page(&self, name: &str, ask: &LibraryOptions) -> Result<Page<Kept>> {
        if !(1..=bounds::HITS).contains(&ask.limit) {
            return Err(Error::Invalid(format!("limit is {}; it goes from 1 to {}", ask.limit, bounds::HITS)));
        }
        if ask.kind.is_some_and(|kind| !matches!(kind, EventKind::Save | EventKind::Like)) {
            return Err(Error::Invalid("kind is `save` or `like`: nothing else is kept for".into()));
        }
        let user = self.store.user(name)?.number;
        let mut folders: HashMap<PaperId, Vec<i64>> = HashMap::new();
        for (folder, filed) in self.store.filed(user)? {
            let of = folders.entry(filed.paper).or_default();
            // Two that became one may both have been there.
            if of.last() != Some(&folder) {
                of.push(folder);
            }
        }
        let of = |entry: &Entry| folders.get(&entry.paper).map(Vec::as_slice).unwrap_or_default();
        let Collection { mut entries, outside } = self.kept_of(user)?;
        match &ask.folder {
            None => {}
            Some(InFolder::Nowhere) => entries.retain(|entry| of(entry).is_empty()),
            Some(InFolder::Of(id)) => {
                let number = self.folder_of(user, folder_number(id)?)?.number;
                entries.retain(|entry| of(entry).contains(&number));
            }
        }
        if let Some(kind) = ask.kind {
            entries.retain(|entry| entry.said.is_some_and(|said| said.0 == kind));
        }
        let mut held: Vec<(Entry, Option<f32>)> = match ask.query.as_deref() {
            None => entries.into_iter().map(|entry| (entry, None)).collect(),
            Some(query) => self.found_of(user, query, ask.mode, entries, &outside)?,
        };
        let default = if ask.query.is_some() { LibrarySort::Best } else { LibrarySort::Oldest };
        self.put_in_order(&mut held, ask.sort.unwrap_or(default), &outside)?;
        let total = held.len();
        let page: Vec<_> = held.into_iter().skip(ask.offset).take(ask.limit).collect();
        let has_notes = self.store.notes(user, 0, 0)?.total > 0;
        let (mut items, mut bytes, seen) = (Vec::with_capacity(page.len()), 0, page.len());
        for window in page.chunks(WINDOW) {
            let entries: Vec<&Entry> = window.iter().map(|(entry, _)| entry).collect();
            let papers = self.entry_papers(&entries, &outside)?;
            let ids: Vec<&PaperId> = entries.iter().map(|entry| &entry.paper).collect();
            let notes = if has_notes { self.store.notes_on(user, &ids)? } else { ids.iter().map(|_| None).collect() };
            for (((entry, score), paper), note) in window.iter().zip(papers).zip(notes) {
                // One that was taken away meanwhile is missing.
                let Some(paper) = paper else { continue };
                bytes += paper.weight() + note.as_ref().map_or(0, |note| note.text.len());
                if bytes > bounds::ANSWER_BYTES {
                    return Err(Error::Invalid(format!(
                        "the answer would be longer than {} MB; ask for fewer papers in one call, with `limit` and `cursor`",
                        bounds::ANSWER_BYTES >> 20
                    )));
                }
                let (kind, at) = entry.said.unzip();
                items.push(Kept {
                    paper,
                    kind,
                    at,
                    in_corpus: entry.row.is_some(),
                    folders: of(entry).iter().map(|number| folder_id(*number)).collect(),
                    note: note.map(NoteView::from),
                    score: *score,
                });
            }
        }
        let end = ask.offset.saturating_add(seen);
        Ok(Page::of(Slice { items, next: (end < total).then_some(end), total }))
    }

    /// What a user keeps.
    pub(super) fn kept_of(&self, user: i64) -> Result<Collection> {
        let said = said(self.store.history(user)?);
        let mut outside: HashMap<PaperId, Paper> =
            self.store.library(user)?.into_iter().map(|paper| (paper.id.clone(), paper)).collect();
        // What stands in the corpus by now is that paper.
        let outside_ids: Vec<PaperId> = outside.keys().cloned().collect();
        let refs: Vec<&PaperId> = outside_ids.iter().collect();
        for (id, row) in outside_ids.iter().zip(self.store.rows(&refs)?) {
            if row.is_some() {
                outside.remove(id);
            }
        }
        let spoken: HashSet<&PaperId> = said.iter().map(|said| &said.paper).collect();
        let mut silent: Vec<&Paper> = outside.values().filter(|paper| !spoken.contains(&paper.id)).collect();
        silent.sort_by_cached_key(|paper| (paper.title.to_lowercase(), paper.id.clone()));
        let silent: Vec<Entry> =
            silent.iter().map(|paper| Entry { paper: paper.id.clone(), row: None, said: None }).collect();
        // Papers that are gone from corpus and library have no place in it.
        let wanted: Vec<Said> = said
            .into_iter()
            .filter(|said| said.kept.is_some() || (outside.contains_key(&said.paper) && !said.never))
            .collect();
        let ids: Vec<&PaperId> = wanted.iter().map(|said| &said.paper).collect();
        let rows = self.store.rows(&ids)?;
        let entries = wanted
            .into_iter()
            .zip(rows)
            .filter(|(said, row)| row.is_some() || outside.contains_key(&said.paper))
            .map(|(said, row)| Entry { paper: said.paper, row, said: said.kept })
            .chain(silent)
            .collect();
        Ok(Collection { entries, outside })
    }

    /// The papers of some entries, in their order; none for one that was taken away meanwhile.
    fn entry_papers(&self, entries: &[&Entry], outside: &HashMap<PaperId, Paper>) -> Result<Vec<Option<Paper>>> {
        let rows: Vec<Row> = entries.iter().filter_map(|entry| entry.row).collect();
        let mut papers: HashMap<Row, Paper> = self.store.papers(&rows)?.into_iter().collect();
        let of = |entry: &&Entry| match entry.row {
            Some(row) => papers.remove(&row),
            None => outside.get(&entry.paper).cloned(),
        };
        Ok(entries.iter().map(of).collect())
    }

    fn put_in_order(
        &self,
        held: &mut [(Entry, Option<f32>)],
        sort: LibrarySort,
        outside: &HashMap<PaperId, Paper>,
    ) -> Result<()> {
        match sort {
            LibrarySort::Oldest => return Ok(()),
            LibrarySort::Best => {
                held.sort_by(|a, b| b.1.unwrap_or_default().total_cmp(&a.1.unwrap_or_default()));
                return Ok(());
            }
            LibrarySort::Newest => {
                // What nothing was said of stays in its order.
                held.sort_by_key(|(entry, _)| entry.said.is_none());
                let said = held.partition_point(|(entry, _)| entry.said.is_some());
                held[..said].reverse();
                return Ok(());
            }
            LibrarySort::Title | LibrarySort::Date | LibrarySort::Author => {}
        }
        let mut keys: HashMap<PaperId, Key> = HashMap::with_capacity(held.len());
        for window in held.chunks(WINDOW) {
            let entries: Vec<&Entry> = window.iter().map(|(entry, _)| entry).collect();
            for (entry, paper) in entries.iter().zip(self.entry_papers(&entries, outside)?) {
                let key = paper.map_or_else(Key::default, |paper| Key::of(&paper, sort));
                keys.insert(entry.paper.clone(), key);
            }
        }
        held.sort_by(|(a, _), (b, _)| (keys.get(&a.paper), &a.paper).cmp(&(keys.get(&b.paper), &b.paper)));
        Ok(())
    }
}

/// Papers that are read at a time.
const WINDOW: usize = 500;

/// By what papers are compared.
#[derive(Default, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    lacking: bool,
    name: String,
    day: Reverse<Option<i32>>,
    title: String,
}

impl Key {
    fn of(paper: &Paper, sort: LibrarySort) -> Self {
        let (title, day) = (unaccented(&paper.title), Reverse(paper.day()));
        match sort {
            LibrarySort::Date => Key { lacking: paper.day().is_none(), day, title, ..Key::default() },
            LibrarySort::Author => {
                let first = paper.authors.first().map(|name| unaccented(PersonName::read(name).surname));
                Key { lacking: first.is_none(), name: first.unwrap_or_default(), day, title }
            }
            _ => Key { title, ..Key::default() },
        }
    }
}

/// What a history comes to for each of its papers, in the order of what was said last.
fn said(history: Vec<Event>) -> Vec<Said> {
    let mut said: Vec<(Moment, Said)> = by_paper(history)
        .into_iter()
        .filter_map(|(paper, events)| {
            let opinion = opinion(&events)?;
            let kept = opinion.explicit && opinion.weight > 0.0;
            let kind = if Stance::of(&events).saved { EventKind::Save } else { EventKind::Like };
            Some((opinion.at, Said { paper, kept: kept.then_some((kind, opinion.at)), never: opinion.never }))
        })
        .collect();
    said.sort_by(|(at, a), (other, b)| (at, &a.paper).cmp(&(other, &b.paper)));
    said.into_iter().map(|(_, said)| said).collect()
}

/// The events of a history by their papers.
pub(super) fn by_paper(history: Vec<Event>) -> HashMap<PaperId, Vec<Deed>> {
    let mut of: HashMap<PaperId, Vec<Deed>> = HashMap::new();
    for event in history {
        of.entry(event.paper).or_default().push((event.kind, event.at, event.weight));
    }
    of
}
