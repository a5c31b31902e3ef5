//! Interests as their user sees and edits them.

use std::collections::HashSet;

use serde::Serialize;
use utoipa::ToSchema;

use super::{Interest, shares};
use crate::engine::readers::Readers;
use crate::engine::readers::reader::Reader;
use crate::error::{Error, Result};
use crate::store::StoredInterest;
use crate::themes::names::Name;
use crate::user::Edits;

/// Terms that are told of an interest.
const TERMS: usize = 8;

/// The longest name and the greatest weight that a user can give.
const MAX_NAME_BYTES: usize = 200;
const MAX_WEIGHT: f32 = 10.0;

/// An interest as its user sees it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct InterestView {
    /// Stays the same while the history grows.
    pub id: String,
    /// What it is called: the user's own name for it, else its most telling terms.
    pub name: String,
    /// Its part of the feed, from 0 to 1, after muting, pinning and weighing. The shares sum to 1.
    pub share: f32,
    /// The terms that tell it from the others.
    pub terms: Vec<String>,
    /// The liked papers in it, by id; the heaviest first.
    pub papers: Vec<String>,
    /// Nothing of it is shown.
    pub muted: bool,
    /// It gets a tenth of the feed at least.
    pub pinned: bool,
    /// Its part is multiplied by this; 1 where nothing was said.
    pub weight: f32,
    /// Whether the user changed anything about it: name, muting, pin, weight, or what was merged into it.
    pub edited: bool,
}

/// What is to be changed about an interest. What is absent stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InterestPatch {
    /// `Some(None)` gives it back the name made of its terms.
    pub name: Option<Option<String>>,
    pub muted: Option<bool>,
    pub pinned: Option<bool>,
    /// `Some(None)` sets it back to 1.
    pub weight: Option<Option<f32>>,
    /// Its papers go to this other interest from now on.
    pub merge_into: Option<String>,
}

impl Readers {
    /// The interests of a user, the greatest first.
    pub fn interests(&self, name: &str) -> Result<Vec<InterestView>> {
        let reader = self.reader(&self.corpus.space(), name)?;
        self.views(&reader)
    }

    fn views(&self, reader: &Reader) -> Result<Vec<InterestView>> {
        let shares = shares(&reader.interests);
        let view = |((i, share), named): ((&Interest, f32), &Name)| InterestView {
            id: i.id(),
            name: named.name.clone(),
            share,
            terms: named.terms.iter().take(TERMS).map(|t| t.0.clone()).collect(),
            papers: i.members.iter().map(|&k| reader.learned[k].id.to_string()).collect(),
            muted: i.edits.muted,
            pinned: i.edits.pinned,
            weight: i.edits.weight.unwrap_or(1.0),
            edited: i.edits != Edits::default() || i.merged,
        };
        Ok(reader.interests.iter().zip(shares).zip(self.interest_names(reader)?).map(view).collect())
    }

    /// Changes an interest: it shows in the next answer. What is said holds for the papers that are in it now.
    pub fn patch_interest(&self, name: &str, id: &str, patch: &InterestPatch) -> Result<InterestView> {
        let reader = self.reader(&self.corpus.space(), name)?;
        let number = known(&reader, id)?;
        let into = patch.merge_into.as_deref().map(|id| known(&reader, id)).transpose()?;
        let own_name = patch.name.as_ref().map(|n| n.as_deref().map(checked_name).transpose()).transpose()?;
        if let Some(weight) = patch.weight.flatten().filter(|w| !(0.0..=MAX_WEIGHT).contains(w)) {
            return Err(Error::Invalid(format!("the weight is {weight}; it goes from 0 to {MAX_WEIGHT}")));
        }
        let mut shown = number;
        let papers = |number: u32| -> Vec<String> {
            let own = reader.interests.iter().find(|i| i.number == number);
            own.into_iter().flat_map(|i| &i.members).map(|&k| reader.learned[k].id.to_string()).collect()
        };
        // What is edited has to be there.
        self.keep_found(reader.user.number)?;
        self.store.edit_interests(reader.user.number, &mut |stored| {
            // Another call may have merged either of them since the reader was made.
            let into = into.map(|into| stored.iter().find(|s| s.number == into).and_then(|s| s.merged).unwrap_or(into));
            let own = stored.iter_mut().find(|s| s.number == number && s.merged.is_none());
            let own = own.ok_or_else(|| no_interest(id))?;
            if let Some(name) = &own_name {
                own.edits.name.clone_from(name);
            }
            if let Some(weight) = patch.weight {
                own.edits.weight = weight;
            }
            own.edits.muted = patch.muted.unwrap_or(own.edits.muted);
            own.edits.pinned = patch.pinned.unwrap_or(own.edits.pinned);
            if let Some(into) = into {
                if into == number {
                    return Err(Error::Invalid(format!("the interest {id:?} cannot be merged into itself")));
                }
                own.merged = Some(into);
                // What was merged into this one goes along.
                stored.iter_mut().filter(|s| s.merged == Some(number)).for_each(|s| s.merged = Some(into));
                shown = into;
                anchor(stored, into, papers(into));
            }
            anchor(stored, number, papers(number));
            Ok(())
        })?;
        self.wrote();
        let now = self.interests(name)?;
        let shown = format!("i{shown}");
        now.into_iter().find(|i| i.id == shown).ok_or_else(|| no_interest(id))
    }

    /// Takes back everything that a user made of one interest, or of all, merges included.
    pub fn reset_interests(&self, name: &str, id: Option<&str>) -> Result<Vec<InterestView>> {
        let reader = self.reader(&self.corpus.space(), name)?;
        let number = id.map(|id| known(&reader, id)).transpose()?;
        self.keep_found(reader.user.number)?;
        self.store.edit_interests(reader.user.number, &mut |stored| {
            for s in stored.iter_mut().filter(|s| number.is_none_or(|n| s.number == n || s.merged == Some(n))) {
                s.merged = None;
                if number.is_none_or(|n| s.number == n) {
                    s.edits = Edits::default();
                }
            }
            let numbers: Vec<u32> = stored.iter().map(|s| s.number).collect();
            numbers.into_iter().for_each(|n| anchor(stored, n, Vec::new()));
            Ok(())
        })?;
        self.wrote();
        self.interests(name)
    }
}

/// What was said of an interest holds for these papers from now on, besides those it was said of before; for none where
/// nothing is left of what was said.
fn anchor(stored: &mut [StoredInterest], number: u32, papers: Vec<String>) {
    let whole = stored.iter().any(|s| s.merged == Some(number));
    let Some(own) = stored.iter_mut().find(|s| s.number == number) else { return };
    if own.edits == Edits::default() && own.merged.is_none() && !whole {
        own.anchor.clear();
        return;
    }
    let known: HashSet<String> = own.anchor.iter().cloned().collect();
    own.anchor.extend(papers.into_iter().filter(|id| !known.contains(id)));
}

fn known(reader: &Reader, id: &str) -> Result<u32> {
    reader.interests.iter().find(|i| i.id() == id).map(|i| i.number).ok_or_else(|| no_interest(id))
}

fn no_interest(id: &str) -> Error {
    Error::NotFound { what: "interest", id: crate::paper::head(id, 80) }
}

fn checked_name(name: &str) -> Result<String> {
    let name = name.trim();
    if name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
        return Err(Error::Invalid(format!(
            "a name has 1 to {MAX_NAME_BYTES} bytes and no control characters; this one has {}",
            name.len()
        )));
    }
    Ok(name.to_string())
}
