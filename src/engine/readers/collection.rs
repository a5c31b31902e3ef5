//! What a reader keeps: the papers that they saved or liked, in the corpus or not, and what their library holds besides.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use utoipa::ToSchema;

use crate::bounds;
use crate::engine::page::{Cursor, Page};
use crate::engine::readers::Readers;
use crate::error::{Error, Result};
use crate::paper::{Paper, PaperId};
use crate::store::Slice;
use crate::user::{Event, EventKind, Moment, opinion};

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
        if !(1..=bounds::HITS).contains(&limit) {
            return Err(Error::Invalid(format!("limit is {limit}; it goes from 1 to {}", bounds::HITS)));
        }
        let skip: usize = Cursor::given(cursor)?.unwrap_or(0);
        let user = self.store.user(name)?.number;
        let said = said(self.store.history(user)?);
        let mut outside: HashMap<String, Paper> =
            self.store.library(user)?.into_iter().map(|paper| (paper.id.to_string(), paper)).collect();
        // What stands in the corpus by now is that paper.
        let outside_ids: Vec<PaperId> = outside.values().map(|paper| paper.id.clone()).collect();
        let refs: Vec<&PaperId> = outside_ids.iter().collect();
        for (id, row) in outside_ids.iter().zip(self.store.rows(&refs)?) {
            if row.is_some() {
                outside.remove(id.as_str());
            }
        }
        let spoken: HashSet<&str> = said.iter().map(|said| said.paper.as_str()).collect();
        let mut silent: Vec<&Paper> = outside.values().filter(|paper| !spoken.contains(paper.id.as_str())).collect();
        silent.sort_by_cached_key(|paper| (paper.title.to_lowercase(), paper.id.clone()));
        let silent: Vec<Said> =
            silent.iter().map(|paper| Said { paper: paper.id.clone(), kept: None, never: false }).collect();
        // Papers that are gone from corpus and library have no place in it, so they are counted out first.
        let wanted: Vec<&Said> = said
            .iter()
            .filter(|said| said.kept.is_some() || (outside.contains_key(said.paper.as_str()) && !said.never))
            .collect();
        let ids: Vec<&PaperId> = wanted.iter().map(|said| &said.paper).collect();
        let rows = self.store.rows(&ids)?;
        let held: Vec<(&Said, Option<crate::paper::Row>)> = wanted
            .into_iter()
            .zip(rows)
            .filter(|(said, row)| row.is_some() || outside.contains_key(said.paper.as_str()))
            .chain(silent.iter().map(|said| (said, None)))
            .collect();
        let total = held.len();
        let page: Vec<_> = held.into_iter().skip(skip).take(limit).collect();
        let (mut items, mut bytes, seen) = (Vec::with_capacity(page.len()), 0, page.len());
        for window in page.chunks(WINDOW) {
            let rows: Vec<crate::paper::Row> = window.iter().filter_map(|(_, row)| *row).collect();
            let mut papers: HashMap<crate::paper::Row, Paper> = self.store.papers(&rows)?.into_iter().collect();
            for (said, row) in window {
                let paper = match row {
                    Some(row) => papers.remove(row),
                    None => outside.get(said.paper.as_str()).cloned(),
                };
                // One that was taken away meanwhile is missing.
                let Some(paper) = paper else { continue };
                bytes += paper.weight();
                if bytes > bounds::ANSWER_BYTES {
                    return Err(Error::Invalid(format!(
                        "the answer would be longer than {} MB; ask for fewer papers in one call, with `limit` and `cursor`",
                        bounds::ANSWER_BYTES >> 20
                    )));
                }
                let (kind, at) = said.kept.unzip();
                items.push(Kept { paper, kind, at, in_corpus: row.is_some() });
            }
        }
        let end = skip.saturating_add(seen);
        Ok(Page::of(Slice { items, next: (end < total).then_some(end), total }))
    }
}

/// Papers that are read at a time.
const WINDOW: usize = 500;

/// What a history comes to for each of its papers, in the order of what was said last.
fn said(history: Vec<Event>) -> Vec<Said> {
    let mut places: HashMap<PaperId, Vec<(EventKind, Moment, f32)>> = HashMap::new();
    for event in history {
        places.entry(event.paper).or_default().push((event.kind, event.at, event.weight));
    }
    let mut said: Vec<(Moment, Said)> = places
        .into_iter()
        .filter_map(|(paper, events)| {
            let opinion = opinion(&events)?;
            let kept = opinion.explicit && opinion.weight > 0.0;
            let kind = if saved(&events) { EventKind::Save } else { EventKind::Like };
            Some((opinion.at, Said { paper, kept: kept.then_some((kind, opinion.at)), never: opinion.never }))
        })
        .collect();
    said.sort_by(|(at, a), (other, b)| (at, &a.paper).cmp(&(other, &b.paper)));
    said.into_iter().map(|(_, said)| said).collect()
}

/// Whether a save stands: none took it back afterwards.
fn saved(events: &[(EventKind, Moment, f32)]) -> bool {
    let last =
        |kinds: &[EventKind]| events.iter().filter(|(kind, ..)| kinds.contains(kind)).map(|(_, at, _)| *at).max();
    let (saved, taken_back) = (last(&[EventKind::Save]), last(&[EventKind::Unsave, EventKind::Clear]));
    saved.is_some_and(|saved| taken_back.is_none_or(|back| back < saved))
}
