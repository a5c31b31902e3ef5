//! The interests in a user's history: found, named, kept under one id while the history grows, and edited by the user.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use utoipa::ToSchema;

use super::Engine;
use super::reader::{Learned, Reader};
use crate::error::{Error, Result};
use crate::rank::{MAX_CLUSTERED, Taste, cluster, follow};
use crate::store::{StoredInterest, User};
use crate::user::Edits;

/// Mean affinity, as seen against the background, from which on two groups of papers are one interest.
/// Two papers at random have 0 (standard deviation 0.07), two of one topic 0.15 to 0.35 (MiniLM, daily papers).
pub const ONE_INTEREST: f32 = 0.08;

/// Terms that are told of an interest, and those that its name is made of.
const TERMS: usize = 8;
const IN_NAME: usize = 3;

/// The least share of a pinned interest.
const PINNED_SHARE: f32 = 0.1;

/// The longest name and the greatest weight that a user can give.
const MAX_NAME_BYTES: usize = 200;
const MAX_WEIGHT: f32 = 10.0;

/// An interest of a reader.
#[derive(Debug, Clone)]
pub struct Interest {
    pub number: u32,
    /// What it is called: the user's name for it, else its terms.
    pub name: String,
    pub terms: Vec<String>,
    /// The part of the liked papers that is in it, by weight: what there is, before the user's edits.
    pub share: f32,
    pub edits: Edits,
    /// Whether others were merged into it.
    pub merged: bool,
    /// Its papers, as places in the reader's examples; the heaviest first.
    pub members: Vec<usize>,
    /// Where it lies, as [`Taste::middle`] gives it.
    pub middle: (Vec<f32>, f32),
}

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

impl Interest {
    /// The id outside.
    pub fn id(&self) -> String {
        format!("i{}", self.number)
    }
}

/// The part of the feed that each interest gets: what it is of the history, by the user's weight, none when muted, a tenth
/// at least when pinned. They sum to 1 unless all are muted.
pub fn shares(interests: &[Interest]) -> Vec<f32> {
    let mut shares: Vec<f32> =
        interests.iter().map(|i| if i.edits.muted { 0.0 } else { i.share * i.edits.weight.unwrap_or(1.0) }).collect();
    let normalise = |shares: &mut Vec<f32>| {
        let sum: f32 = shares.iter().sum();
        if sum > 0.0 {
            shares.iter_mut().for_each(|s| *s /= sum);
        }
    };
    normalise(&mut shares);
    for (share, i) in shares.iter_mut().zip(interests) {
        if i.edits.pinned && !i.edits.muted {
            *share = share.max(PINNED_SHARE);
        }
    }
    normalise(&mut shares);
    shares
}

impl Engine {
    /// Splits what a reader likes into interests, and goes on with those that are known of them. With `keep` what was found
    /// is known from then on; a look at what would be leaves no trace.
    pub(super) fn find_interests(
        &self,
        user: &User,
        learned: &[Learned],
        taste: &Taste,
        terms: &[Vec<(u32, f32)>],
        keep: bool,
    ) -> Result<Vec<Interest>> {
        let mut stored = if user.number < 0 { Vec::new() } else { self.store.interests(user.number)? };
        let liked: Vec<usize> = (0..learned.len()).filter(|k| learned[*k].weight > 0.0).collect();
        let mut groups = group(&liked, taste);
        let before = stored.clone();
        let numbers = go_on_with(&mut groups, &mut stored, learned);
        let total: f32 = liked.iter().map(|&k| learned[k].weight).sum();
        let names = self.name_groups(&groups, learned, terms);
        let mut interests: Vec<Interest> = groups
            .into_iter()
            .zip(numbers)
            .zip(names)
            .map(|((mut members, number), terms)| {
                members.sort_by(|a, b| learned[*b].weight.total_cmp(&learned[*a].weight).then(a.cmp(b)));
                let edits = stored.iter().find(|s| s.number == number).map_or_else(Edits::default, |s| s.edits.clone());
                let made = if terms.is_empty() {
                    members.first().map_or_else(String::new, |&k| {
                        crate::paper::head(crate::paper::plain(&learned[k].title).trim(), 60)
                    })
                } else {
                    terms.iter().take(IN_NAME).cloned().collect::<Vec<_>>().join(", ")
                };
                Interest {
                    number,
                    name: edits.name.clone().unwrap_or(made),
                    share: members.iter().map(|&k| learned[k].weight).sum::<f32>() / total,
                    middle: taste.middle(&members),
                    terms,
                    edits,
                    merged: stored.iter().any(|s| s.merged == Some(number)),
                    members,
                }
            })
            .collect();
        interests.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.number.cmp(&b.number)));
        let changed: Vec<StoredInterest> = stored.into_iter().filter(|s| !before.contains(s)).collect();
        if keep && user.number >= 0 && !changed.is_empty() {
            self.store.put_found(user.number, &changed)?;
        }
        Ok(interests)
    }

    /// The most telling terms of each group: much in it, little in the others, and not the word of one paper alone.
    fn name_groups(&self, groups: &[Vec<usize>], learned: &[Learned], terms: &[Vec<(u32, f32)>]) -> Vec<Vec<String>> {
        let means: Vec<HashMap<u32, (f32, usize)>> = groups
            .iter()
            .map(|members| {
                let total: f32 = members.iter().map(|&k| learned[k].weight).sum();
                let mut mean: HashMap<u32, (f32, usize)> = HashMap::new();
                for &k in members {
                    for (term, value) in &terms[k] {
                        let entry = mean.entry(*term).or_default();
                        entry.0 += learned[k].weight * value / total;
                        entry.1 += 1;
                    }
                }
                mean
            })
            .collect();
        let telling = |(g, mean): (usize, &HashMap<u32, (f32, usize)>)| {
            let elsewhere = |term: &u32| {
                let others = means.iter().enumerate().filter(|(o, _)| *o != g);
                others.filter_map(|(_, m)| m.get(term)).map(|m| m.0).fold(0.0, f32::max)
            };
            let held_by = (groups[g].len() / 5).clamp(1, 5).max(usize::from(groups[g].len() > 1) * 2);
            let mut telling: Vec<(u32, f32, usize)> =
                mean.iter().map(|(t, (v, n))| (*t, v - 0.5 * elsewhere(t), *n)).filter(|t| t.1 > 0.0).collect();
            telling
                .sort_by(|a, b| (b.2 >= held_by).cmp(&(a.2 >= held_by)).then(b.1.total_cmp(&a.1)).then(a.0.cmp(&b.0)));
            let mut words: Vec<String> = Vec::new();
            for word in telling.into_iter().filter_map(|(t, ..)| self.lexical.term(t)) {
                // `audio` and `audio-visual` say the same twice.
                let lower = word.to_lowercase();
                let said = |w: &String| w.to_lowercase().contains(&lower) || lower.contains(&w.to_lowercase());
                if words.len() < TERMS && !words.iter().any(said) {
                    words.push(word);
                }
            }
            words
        };
        means.iter().enumerate().map(telling).collect()
    }

    /// The interests of a user, the greatest first.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such user.
    pub fn interests(&self, name: &str) -> Result<Vec<InterestView>> {
        let reader = self.reader(&self.space(), name)?;
        Ok(views(&reader))
    }

    /// Changes an interest: it shows in the next answer.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a user or interest that is not there; [`Error::Invalid`] for a name or weight that is not
    /// allowed, or an interest that is to be merged into itself.
    pub fn patch_interest(&self, name: &str, id: &str, patch: &InterestPatch) -> Result<InterestView> {
        let reader = self.reader(&self.space(), name)?;
        let number = known(&reader, id)?;
        let into = patch.merge_into.as_deref().map(|id| known(&reader, id)).transpose()?;
        let own_name = patch.name.as_ref().map(|n| n.as_deref().map(checked_name).transpose()).transpose()?;
        if let Some(weight) = patch.weight.flatten().filter(|w| !(0.0..=MAX_WEIGHT).contains(w)) {
            return Err(Error::Invalid(format!("the weight is {weight}; it goes from 0 to {MAX_WEIGHT}")));
        }
        let mut shown = number;
        self.store.edit_interests(reader.user.number, |stored| {
            // Another call may have merged either of them since the reader was made.
            let into = into.map(|into| stored.iter().find(|s| s.number == into).and_then(|s| s.merged).unwrap_or(into));
            let own = stored.iter_mut().find(|s| s.number == number && s.merged.is_none());
            let own = own.ok_or_else(|| no_interest(id))?;
            if let Some(name) = own_name {
                own.edits.name = name;
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
            }
            Ok(())
        })?;
        let now = self.interests(name)?;
        let shown = format!("i{shown}");
        now.into_iter().find(|i| i.id == shown).ok_or_else(|| no_interest(id))
    }

    /// Takes back everything that a user made of one interest, or of all, merges included.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a user or interest that is not there.
    pub fn reset_interests(&self, name: &str, id: Option<&str>) -> Result<Vec<InterestView>> {
        let reader = self.reader(&self.space(), name)?;
        let number = id.map(|id| known(&reader, id)).transpose()?;
        self.store.edit_interests(reader.user.number, |stored| {
            for s in stored.iter_mut().filter(|s| number.is_none_or(|n| s.number == n || s.merged == Some(n))) {
                s.merged = None;
                if number.is_none_or(|n| s.number == n) {
                    s.edits = Edits::default();
                }
            }
            Ok(())
        })?;
        self.interests(name)
    }
}

fn views(reader: &Reader) -> Vec<InterestView> {
    let shares = shares(&reader.interests);
    let view = |(i, share): (&Interest, f32)| InterestView {
        id: i.id(),
        name: i.name.clone(),
        share,
        terms: i.terms.clone(),
        papers: i.members.iter().map(|&k| reader.learned[k].id.to_string()).collect(),
        muted: i.edits.muted,
        pinned: i.edits.pinned,
        weight: i.edits.weight.unwrap_or(1.0),
        edited: i.edits != Edits::default() || i.merged,
    };
    reader.interests.iter().zip(shares).map(view).collect()
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

/// The groups of the liked examples. The heaviest are clustered; each of the rest falls to the closest group.
fn group(liked: &[usize], taste: &Taste) -> Vec<Vec<usize>> {
    let (first, rest) = liked.split_at(liked.len().min(MAX_CLUSTERED));
    let numbers = cluster(first.len(), |a, b| taste.affinity(first[a], first[b]), ONE_INTEREST);
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); numbers.iter().max().map_or(0, |m| m + 1)];
    for (k, g) in first.iter().zip(numbers) {
        groups[g].push(*k);
    }
    let anchors: Vec<Vec<usize>> = groups.iter().map(|g| g.iter().copied().take(16).collect()).collect();
    for &k in rest {
        let mean = |g: &Vec<usize>| g.iter().map(|&m| taste.affinity(m, k)).sum::<f32>() / g.len().max(1) as f32;
        let best = (0..anchors.len()).max_by(|a, b| mean(&anchors[*a]).total_cmp(&mean(&anchors[*b])));
        if let Some(best) = best {
            groups[best].push(k);
        }
    }
    groups
}

/// Gives each group the number of the known interest that it goes on with, else the next one, and brings what is known up
/// to date. Groups of merged interests become one; pinned interests that would be lost get their papers back.
fn go_on_with(groups: &mut Vec<Vec<usize>>, stored: &mut Vec<StoredInterest>, learned: &[Learned]) -> Vec<u32> {
    let known: Vec<HashSet<&str>> = stored.iter().map(|s| s.papers.iter().map(String::as_str).collect()).collect();
    let has = |s: usize, k: usize| known[s].contains(learned[k].id.as_str());
    let overlap = |g: usize, s: usize, groups: &[Vec<usize>]| {
        groups[g].iter().filter(|k| has(s, **k)).map(|k| learned[*k].weight).sum::<f32>()
    };
    let followed = follow(groups.len(), stored.len(), |g, s| overlap(g, s, groups));
    let lost = (0..stored.len()).filter(|s| stored[*s].edits.pinned && stored[*s].merged.is_none());
    let lost: Vec<usize> = lost.filter(|s| !followed.contains(&Some(*s))).collect();
    let mut followed = followed;
    for s in lost {
        let mut own = Vec::new();
        for g in groups.iter_mut() {
            let (back, stay) = g.iter().partition(|k| has(s, **k));
            own.extend::<Vec<usize>>(back);
            *g = stay;
        }
        if !own.is_empty() {
            groups.push(own);
            followed.push(Some(s));
        }
    }
    let mut next = stored.iter().map(|s| s.number).max().unwrap_or(0);
    let mut out: Vec<(u32, Vec<usize>)> = Vec::new();
    for (members, follows) in groups.drain(..).zip(followed) {
        if members.is_empty() {
            continue;
        }
        let number = match follows.map(|s| &mut stored[s]) {
            Some(s) => {
                s.papers = ids(&members, learned);
                // A merged interest goes on as a part of the other, however its papers are grouped.
                s.merged.unwrap_or(s.number)
            }
            None => {
                next += 1;
                stored.push(StoredInterest {
                    number: next,
                    edits: Edits::default(),
                    merged: None,
                    papers: ids(&members, learned),
                });
                next
            }
        };
        match out.iter_mut().find(|o| o.0 == number) {
            Some((_, all)) => all.extend(members),
            None => out.push((number, members)),
        }
    }
    let (numbers, new): (Vec<u32>, Vec<Vec<usize>>) = out.into_iter().unzip();
    *groups = new;
    numbers
}

fn ids(members: &[usize], learned: &[Learned]) -> Vec<String> {
    let mut ids: Vec<String> = members.iter().map(|&k| learned[k].id.to_string()).collect();
    ids.sort_unstable();
    ids
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paper::PaperId;

    fn learned(n: usize) -> Vec<Learned> {
        let id = |k| PaperId::new(format!("p{k}")).expect("an id");
        (0..n)
            .map(|k| Learned { id: id(k), title: String::new(), weight: 1.0, row: None, counts: Vec::new() })
            .collect()
    }

    #[test]
    fn an_interest_keeps_its_number_while_it_grows() {
        let learned = learned(12);
        let mut stored = Vec::new();
        let mut groups = vec![vec![0, 1, 2], vec![3, 4]];
        assert_eq!(go_on_with(&mut groups, &mut stored, &learned), [1, 2]);
        // The order of the groups turns round, both grow, and a third comes.
        let mut groups = vec![vec![3, 4, 5, 6, 7], vec![8, 9], vec![0, 1, 2, 10]];
        assert_eq!(go_on_with(&mut groups, &mut stored, &learned), [2, 3, 1]);
        // One that is gone leaves its number free of others, and comes back under it.
        let mut groups = vec![vec![3, 4, 5], vec![11]];
        assert_eq!(go_on_with(&mut groups, &mut stored, &learned), [2, 4]);
        let mut groups = vec![vec![0, 1], vec![3, 4, 5]];
        assert_eq!(go_on_with(&mut groups, &mut stored, &learned), [1, 2]);
    }

    #[test]
    fn what_was_merged_stays_together_and_what_was_pinned_stays_apart() {
        let learned = learned(8);
        let mut stored = Vec::new();
        go_on_with(&mut vec![vec![0, 1], vec![2, 3], vec![4, 5]], &mut stored, &learned);
        stored[1].merged = Some(1);
        stored[2].edits.pinned = true;
        let mut groups = vec![vec![0, 1, 4, 5, 6], vec![2, 3, 7]];
        assert_eq!(go_on_with(&mut groups, &mut stored, &learned), [1, 3]);
        assert_eq!(groups, [vec![0, 1, 6, 2, 3, 7], vec![4, 5]]);
    }

    #[test]
    fn shares_follow_the_edits() {
        let interest = |number, share, edits: Edits| Interest {
            number,
            name: String::new(),
            terms: Vec::new(),
            share,
            edits,
            merged: false,
            members: Vec::new(),
            middle: (Vec::new(), 0.0),
        };
        let muted = Edits { muted: true, ..Edits::default() };
        let pinned = Edits { pinned: true, ..Edits::default() };
        let heavy = Edits { weight: Some(2.0), ..Edits::default() };
        let of = |a: Edits, b: Edits| shares(&[interest(1, 0.95, a), interest(2, 0.05, b)]);
        assert_eq!(of(muted.clone(), Edits::default()), [0.0, 1.0]);
        assert_eq!(of(muted.clone(), muted), [0.0, 0.0]);
        assert!((of(Edits::default(), pinned)[1] - 0.1 / 1.05).abs() < 1e-5);
        assert!((of(Edits::default(), heavy)[1] - 0.1 / 1.05).abs() < 1e-5);
    }
}
