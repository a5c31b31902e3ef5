//! Saved searches: made, listed with what is new, changed, looked at, forgotten.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use roaring::RoaringBitmap;
use serde::Serialize;
use utoipa::ToSchema;

use super::Matches;
use crate::bounds;
use crate::engine::answer::{Hit, Meta, check_limit};
use crate::engine::corpus::Followed;
use crate::engine::readers::Readers;
use crate::error::{Error, Result};
use crate::paper::{Paper, head};
use crate::store::{NewSearch, SearchSaved, StoredSearch, User};
use crate::user::{Follow, Moment, UserId, is_seen};

/// The longest name that a reader can give, in bytes.
const MAX_NAME_BYTES: usize = 200;

/// Matches of a query that a list of the newest is made of.
pub(super) const LOOKED_AT: usize = 500;

/// Counts that are kept.
const KEPT: usize = 20_000;

/// A saved search as its reader sees it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SearchView {
    /// Its id, `s7`; used once.
    pub id: String,
    /// What it is called: the reader's own name for it, else what is followed.
    pub name: String,
    /// What is followed.
    pub what: Follow,
    /// `search`, `author`, `category`, `organization` or `theme`.
    pub kind: String,
    /// Nothing of it is put into the feed, or sent by mail. Its own lists go on.
    pub muted: bool,
    /// When it was saved.
    #[schema(value_type = String, format = DateTime)]
    pub created: Moment,
    /// Papers that match and came since its reader last looked (`.../seen`), or since it was saved; null where that cannot be told.
    pub new: Option<usize>,
    /// Why nothing matches it for now, and what to do; null where nothing is wrong.
    pub problem: Option<String>,
}

/// What a saved search is called and follows.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedSearch {
    /// Its id, `s7`; used once.
    pub id: String,
    /// What it is called: the reader's own name for it, else what is followed.
    pub name: String,
    /// What is followed.
    pub what: Follow,
}

/// What is to be changed about a saved search. What is absent stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SearchPatch {
    /// `Some(None)` gives back the name made of what is followed.
    pub name: Option<Option<String>>,
    pub muted: Option<bool>,
}

/// A paper of a saved search.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SearchHit {
    /// The paper.
    #[serde(flatten)]
    pub hit: Hit,
    /// Whether it came since its reader last looked.
    pub new: bool,
}

/// The papers of a saved search.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SearchPapers {
    /// Best first.
    pub papers: Vec<SearchHit>,
    /// How they were found; `total` is how many match.
    pub meta: Meta,
}

/// Which papers of a saved search are wanted.
#[derive(Debug, Clone)]
pub struct SearchPapersOptions {
    /// 1 to 500.
    pub limit: usize,
    pub offset: usize,
    /// Only those that came since its reader last looked.
    pub new: bool,
    pub explain: bool,
}

/// How many matches of a saved search are new, by its number: at which state of the corpus, since which change.
#[derive(Default)]
pub struct KeptCounts(Mutex<HashMap<i64, (Followed, u64, usize)>>);

/// What a kind of follow is called where it stands beside interests.
pub fn kind(what: &Follow) -> &'static str {
    match what {
        Follow::Query(_) => "search",
        other => other.kind(),
    }
}

/// The id of a saved search.
pub fn search_id(number: i64) -> String {
    format!("s{number}")
}

/// The number of a saved search by its id.
///
/// # Errors
/// [`Error::NotFound`] for what is no id of one.
pub fn search_number(id: &str) -> Result<i64> {
    let number = id.strip_prefix('s').and_then(|n| n.parse().ok()).filter(|n| search_id(*n) == id);
    number.ok_or_else(|| Error::NotFound { what: "saved search", id: head(id, 80) })
}

impl Readers {
    /// What a reader follows, in the order in which it was saved.
    pub fn searches(&self, name: &str) -> Result<Vec<SearchView>> {
        let user = self.store.user(name)?;
        self.store.searches(user.number)?.iter().map(|s| self.search_view(s)).collect()
    }

    /// What one of them is called and follows.
    pub fn saved_search(&self, name: &str, id: &str) -> Result<SavedSearch> {
        let search = self.search_of(name, id)?;
        Ok(SavedSearch { id: search_id(search.number), name: self.search_name(&search), what: search.what })
    }

    /// Saves what a reader follows; they are made if new. Whether it was not there before: the same thing is followed once.
    pub fn save_search(&self, name: &str, what: &Follow, own_name: Option<&str>) -> Result<(SearchView, bool)> {
        let own_name = own_name.map(checked_name).transpose()?;
        let user = UserId::new(name)?;
        // Whoever mistypes a theme hears it at once, and what nobody could look for is not kept.
        self.check_follow(what)?;
        self.keep_found_of(std::iter::once(name))?;
        let new = NewSearch { what, name: own_name.as_deref(), created: Moment::now(), seen: self.matched_change() };
        let (search, made) = match self.store.save_search(&user, new, bounds::SEARCHES)? {
            SearchSaved::Made(search) => (search, true),
            SearchSaved::There(search) => (search, false),
            SearchSaved::TooMany => {
                let most = bounds::SEARCHES;
                return Err(Error::Invalid(format!("a reader can follow {most} things; delete one to add another")));
            }
        };
        if made {
            self.wrote();
        }
        Ok((self.search_view(&search)?, made))
    }

    /// Renames or mutes one.
    pub fn change_search(&self, name: &str, id: &str, patch: &SearchPatch) -> Result<SearchView> {
        let own_name = patch.name.as_ref().map(|n| n.as_deref().map(checked_name).transpose()).transpose()?;
        let (user, number) = (self.store.user(name)?.number, search_number(id)?);
        self.keep_found_of(std::iter::once(name))?;
        let own_name = own_name.as_ref().map(Option::as_deref);
        let changed = self.store.change_search(user, number, own_name, patch.muted)?;
        self.wrote();
        self.search_view(&changed)
    }

    /// Forgets one.
    pub fn delete_search(&self, name: &str, id: &str) -> Result<()> {
        let (user, number) = (self.store.user(name)?.number, search_number(id)?);
        self.keep_found_of(std::iter::once(name))?;
        self.store.delete_search(user, number)?;
        self.wrote();
        Ok(())
    }

    /// Notes that a reader has looked at one: nothing that is there now is new from then on.
    pub fn see_search(&self, name: &str, id: &str) -> Result<SearchView> {
        let (user, number) = (self.store.user(name)?.number, search_number(id)?);
        self.store.see_search(user, number, self.matched_change())?;
        self.search_view(&self.search_of(name, id)?)
    }

    /// The papers of one.
    pub fn search_papers(&self, name: &str, id: &str, ask: &SearchPapersOptions) -> Result<SearchPapers> {
        check_limit(ask.limit)?;
        let search = self.search_of(name, id)?;
        let matches = Matches {
            arrived_after: ask.new.then_some(search.seen),
            limit: ask.limit,
            offset: ask.offset,
            explain: ask.explain,
            ..Matches::default()
        };
        let (answer, rows) = self.matched_page(&search.what, &matches)?;
        let new = self.arrived(search.seen)?;
        let papers = answer.papers.into_iter().zip(rows).map(|(hit, row)| SearchHit { new: new.contains(row.0), hit });
        Ok(SearchPapers { papers: papers.collect(), meta: answer.meta })
    }

    /// The newest papers of one, as a news reader takes them.
    pub fn search_news(&self, name: &str, id: &str, limit: usize) -> Result<Vec<Paper>> {
        check_limit(limit)?;
        let search = self.search_of(name, id)?;
        match self.newest_matches(&search.what, LOOKED_AT, limit) {
            // A news reader that once hears that a feed is gone never asks again.
            Err(e) if is_of_what_is_followed(&e) => Ok(Vec::new()),
            newest => newest,
        }
    }

    /// Takes in what a reader followed elsewhere. What cannot be followed, or called that, is told and left out, as is what goes
    /// beyond what a reader can follow.
    pub(in crate::engine::readers) fn restore_searches(&self, user: &User, brought: &[StoredSearch]) -> Result<()> {
        let mut kept = Vec::with_capacity(brought.len());
        for search in brought {
            let name = search.name.as_deref().map(checked_name).transpose();
            match search.what.check().and(name) {
                Ok(name) => kept.push(StoredSearch { name, ..search.clone() }),
                Err(e) => tracing::warn!("something that {:?} followed is left out: {e}", user.name),
            }
        }
        // Of all that is here by now nothing is new.
        let over = self.store.restore_searches(user.number, &kept, self.store.change()?, bounds::SEARCHES)?;
        if over > 0 {
            let most = bounds::SEARCHES;
            tracing::warn!("{over} things that {:?} followed are left out: a reader can follow {most}", user.name);
        }
        Ok(())
    }

    /// What a reader's saved search is called.
    pub(in crate::engine::readers) fn search_name(&self, search: &StoredSearch) -> String {
        match (&search.name, &search.what) {
            (Some(own), _) => own.clone(),
            (None, Follow::Theme(id)) => self.themes.name_of(id).unwrap_or_else(|_| id.clone()),
            (None, what) => head(what.text().trim(), 80),
        }
    }

    /// The saved search of a reader by its id.
    pub(in crate::engine::readers) fn search_of(&self, name: &str, id: &str) -> Result<StoredSearch> {
        let (user, number) = (self.store.user(name)?.number, search_number(id)?);
        let found = self.store.search(number)?.filter(|(of, _)| *of == user);
        found.map(|(_, search)| search).ok_or_else(|| Error::NotFound { what: "saved search", id: head(id, 80) })
    }

    fn search_view(&self, search: &StoredSearch) -> Result<SearchView> {
        let (new, problem) = match self.count_new(search) {
            Ok(new) => (Some(new), None),
            Err(e) if is_of_what_is_followed(&e) => (None, Some(e.to_string())),
            Err(e) => return Err(e),
        };
        Ok(SearchView {
            id: search_id(search.number),
            name: self.search_name(search),
            what: search.what.clone(),
            kind: kind(&search.what).into(),
            muted: search.muted,
            created: search.created,
            new,
            problem,
        })
    }

    /// How many matches came since its reader last looked.
    fn count_new(&self, search: &StoredSearch) -> Result<usize> {
        let followed = self.corpus.followed();
        // Papers join the themes when no change of theirs is made.
        let keeps = !matches!(search.what, Follow::Theme(_));
        {
            let kept = self.counts.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, _, new)) =
                kept.get(&search.number).filter(|k| keeps && k.0 == followed && k.1 == search.seen)
            {
                return Ok(*new);
            }
        }
        let ask = Matches { arrived_after: Some(search.seen), limit: 0, ..Matches::default() };
        let new = self.matched_page(&search.what, &ask)?.0.meta.total;
        let mut kept = self.counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(search.number, (followed, search.seen, new));
        Ok(new)
    }

    /// The rows of works that came behind a change.
    fn arrived(&self, change: u64) -> Result<RoaringBitmap> {
        let arrived = self.store.arrived_after(change)?;
        let versions = self.corpus.versions();
        Ok(arrived.iter().filter(|row| super::matches::came_anew(&versions, *row, &arrived)).collect())
    }
}

/// Whether something went wrong because of what is followed: its theme is gone or not there yet, or it is nothing to look for. The
/// lists and feeds that it stands in go on.
pub(super) fn is_of_what_is_followed(e: &Error) -> bool {
    matches!(e, Error::NotFound { .. } | Error::BeingMade { .. } | Error::Invalid(_))
}

fn checked_name(name: &str) -> Result<String> {
    let name = name.trim();
    if !is_seen(name) || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
        return Err(Error::Invalid(format!(
            "a name has 1 to {MAX_NAME_BYTES} bytes, something to see and no control characters; this one has {} bytes",
            name.len()
        )));
    }
    Ok(name.to_string())
}
