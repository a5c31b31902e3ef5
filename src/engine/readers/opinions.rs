//! Where a reader stands on papers: on given ones, and on those that they turned down.

use std::collections::HashSet;

use serde::Serialize;
use utoipa::ToSchema;

use crate::bounds;
use crate::engine::answer::check_limit;
use crate::engine::page::{Cursor, Page};
use crate::engine::readers::Readers;
use crate::engine::readers::collection::by_paper;
use crate::engine::readers::folder_ids::folder_id;
use crate::error::{Error, Result};
use crate::paper::{Paper, PaperId};
use crate::store::Slice;
use crate::user::{Deed, Event, EventKind, Moment, Press, Stance, UserId, pressed};

/// Where a reader stands on a paper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PaperOpinion {
    /// The id that the paper was given; as it was asked for where there is no such paper. What was said of one that is gone is
    /// told still.
    #[schema(value_type = String)]
    pub paper: PaperId,
    /// They liked it, and have said nothing else since.
    pub liked: bool,
    /// They saved it, and have neither taken that back nor turned the paper down since.
    pub saved: bool,
    /// `dislike` or `dismiss` where that is their last verdict; else null.
    pub against: Option<EventKind>,
    /// They looked at it or opened it.
    pub viewed: bool,
    /// When the last verdict was that stands; null where none does.
    #[schema(value_type = Option<String>)]
    pub at: Option<Moment>,
    /// The ids of the folders that it is in.
    pub folders: Vec<String>,
    /// Whether they wrote something on it.
    pub note: bool,
}

impl PaperOpinion {
    fn of(paper: PaperId, stance: Stance) -> Self {
        let Stance { liked, saved, against, viewed, at } = stance;
        PaperOpinion { paper, liked, saved, against, viewed, at, folders: Vec::new(), note: false }
    }
}

/// A paper that a reader turned down.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct TurnedDown {
    /// The paper.
    #[serde(flatten)]
    pub paper: Paper,
    /// `dislike` or `dismiss`.
    pub kind: EventKind,
    /// When that was.
    #[schema(value_type = String, format = DateTime)]
    pub at: Moment,
    /// Whether it is in the corpus; else it came with a reading list.
    pub in_corpus: bool,
}

impl Readers {
    /// Where a reader stands on some papers, in their order. Of a reader who is not there nothing is known.
    pub fn opinions(&self, name: &str, papers: &[PaperId]) -> Result<Vec<PaperOpinion>> {
        bounds::at_most("ids", papers.len(), bounds::BATCH)?;
        let refs: Vec<&PaperId> = papers.iter().collect();
        let given = self.given_ids(name, &refs)?;
        let ids: Vec<&PaperId> = given.iter().map(|id| &**id).collect();
        let user = match self.store.user(name) {
            Ok(user) => user.number,
            Err(Error::NotFound { .. }) => {
                return Ok(ids.iter().map(|id| PaperOpinion::of((*id).clone(), Stance::default())).collect());
            }
            Err(e) => return Err(e),
        };
        let events = self.store.events_on(user, &ids)?;
        let folders = self.store.folders_of(user, &ids)?;
        let notes = self.store.notes_on(user, &ids)?;
        let all = ids.iter().zip(events).zip(folders).zip(notes);
        Ok(all
            .map(|(((id, events), folders), note)| PaperOpinion {
                folders: folders.into_iter().map(folder_id).collect(),
                note: note.is_some(),
                ..PaperOpinion::of((*id).clone(), Stance::of(&deeds(&events)))
            })
            .collect())
    }

    /// A page of the papers that a reader turned down, the last first. Papers that are not there any more have no place in it.
    pub fn turned_down(&self, name: &str, limit: usize, cursor: Option<&str>) -> Result<Page<TurnedDown>> {
        check_limit(limit)?;
        let skip: usize = Cursor::given(cursor)?.unwrap_or(0);
        let user = self.store.user(name)?.number;
        let mut all: Vec<(Moment, PaperId, EventKind)> = by_paper(self.store.history(user)?)
            .into_iter()
            .filter_map(|(paper, deeds)| {
                let stance = Stance::of(&deeds);
                Some((stance.at?, paper, stance.against?))
            })
            .collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        let ids: Vec<&PaperId> = all.iter().map(|(_, paper, _)| paper).collect();
        let rows = self.store.rows(&ids)?;
        let outside: HashSet<PaperId> = match rows.iter().any(Option::is_none) {
            true => self.store.library(user)?.into_iter().map(|paper| paper.id).collect(),
            false => HashSet::new(),
        };
        let mut rows = rows.into_iter();
        all.retain(|(_, paper, _)| rows.next().flatten().is_some() || outside.contains(paper));
        let total = all.len();
        let page: Vec<_> = all.into_iter().skip(skip).take(limit).collect();
        let ids: Vec<&PaperId> = page.iter().map(|(_, paper, _)| paper).collect();
        let papers = self.papers_named(user, &ids)?;
        let end = skip.saturating_add(page.len());
        let items = page.iter().zip(papers).filter_map(|((at, _, kind), (paper, in_corpus))| {
            // One that was taken away meanwhile is missing.
            Some(TurnedDown { paper: paper?, kind: *kind, at: *at, in_corpus })
        });
        Ok(Page::of(Slice { items: items.collect(), next: (end < total).then_some(end), total }))
    }

    /// Takes back that a reader turned a paper down: it may be shown again, and what they had said before stands again. Changes nothing
    /// where they have not turned it down.
    pub fn take_back(&self, name: &str, paper: &PaperId) -> Result<PaperOpinion> {
        // Only somebody who said no has one to take back.
        self.store.user(name)?;
        self.press(name, paper, Press::Undo)
    }

    /// Writes down what a reader pressed beside a paper, and gives where they stand then; the reader is made if new.
    pub fn press(&self, name: &str, paper: &PaperId, press: Press) -> Result<PaperOpinion> {
        let id = self.given_ids(name, &[paper])?.remove(0).into_owned();
        let now = Moment::now();
        let follows = |paper: &PaperId, said: &[Event]| {
            let event = |(kind, at, weight)| Event { paper: paper.clone(), kind, at, weight };
            pressed(&deeds(said), press, now).into_iter().map(event).collect()
        };
        self.keep_found_of(std::iter::once(name))?;
        if self.store.add_following(&UserId::new(name)?, &id, &follows)? > 0 {
            self.wrote();
        }
        Ok(self.opinions(name, &[id])?.remove(0))
    }
}

/// What some events on a paper say.
pub(super) fn deeds(events: &[Event]) -> Vec<Deed> {
    events.iter().map(|e| (e.kind, e.at, e.weight)).collect()
}
