//! Where a reader's interests lie, and which of them a paper is closest to.

use std::collections::HashMap;

use super::Interest;
use super::found::{find, said};
use crate::engine::corpus::Common;
use crate::engine::corpus::EmbeddingSpace;
use crate::engine::readers::Readers;
use crate::engine::readers::learned::Learned;
use crate::error::Result;
use crate::paper::{Paper, PaperId, Row};
use crate::rank::PreferenceModel;
use crate::store::User;
use crate::user::Edits;
use crate::vector::dot;

/// A middle under the metric of the background: `0 . x - 1` is the mean of its papers' cosines with x, but for the length
/// of x.
pub type Place = (Vec<f32>, f32);

/// The mean cosine with its papers from which on a paper belongs to an interest: papers at large have 0, those of an
/// interest twice as much and more.
const BELONGS: f32 = 0.06;

/// The same from which on it is squarely of an interest, however little that is of all that the reader likes.
const SQUARELY: f32 = 0.12;

/// The same for a muted one, to which a paper is closer than to any other: in doubt nothing of it is shown. Of fields of the
/// invented corpus, with two papers muted, this kept four fifths of the field out and one in twenty of other interests'.
const MUTED: f32 = 0.03;

/// A paper that is closer to another interest, and this part as close to a muted one, is in doubt: it is shown only where it is
/// well above the line.
const DOUBT: f32 = 0.5;

/// Papers of an anchor that its place is made of.
const ANCHOR: usize = 64;

/// Papers of the corpus that are taken for more of a muted interest, at most, and the mean cosine that they must have:
/// two papers alone are a poor picture of what was muted.
const ALIKE: usize = 10;
const ALIKE_FROM: f32 = 0.1;

/// What a paper is to a reader's interests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The interest that it belongs to, as a place in the reader's list; never a muted one.
    pub interest: Option<usize>,
    /// Whether it is squarely of it.
    pub squarely: bool,
    /// Whether it belongs to a muted one.
    pub muted: bool,
    /// Whether it is nowhere near a muted one: what nothing else speaks for must not come from there.
    pub open: bool,
}

impl Interest {
    /// How near a paper lies.
    pub fn near(&self, vector: &[f32]) -> f32 {
        self.places.iter().map(|p| dot(&p.0, vector) - p.1).fold(f32::NEG_INFINITY, f32::max)
    }

    /// A direction whose neighbours are good candidates.
    pub fn direction(&self) -> &[f32] {
        self.places.first().map_or(&[], |p| &p.0)
    }
}

/// Where a paper stands; `length` is that of papers at large under the metric.
pub fn standing(interests: &[Interest], vector: &[f32], length: f32) -> Standing {
    let closest = |muted: bool| {
        let near = interests.iter().enumerate().filter(|(_, i)| i.edits.muted == muted);
        near.map(|(k, i)| (k, i.near(vector))).max_by(|a, b| a.1.total_cmp(&b.1))
    };
    let silent = closest(true).map_or(f32::NEG_INFINITY, |s| s.1);
    match closest(false) {
        Some((k, value)) if value > silent => Standing {
            interest: (value >= BELONGS * length).then_some(k),
            squarely: value >= SQUARELY * length,
            muted: false,
            open: silent < (DOUBT * value).max(0.0),
        },
        _ => Standing { interest: None, squarely: false, muted: silent >= MUTED * length, open: silent < 0.0 },
    }
}

/// What interests are found in.
#[derive(Clone, Copy)]
pub struct Liked<'a> {
    pub learned: &'a [Learned],
    /// Vectors of these.
    pub vectors: &'a [Vec<f32>],
    /// None where nothing is liked: what was muted counts all the same.
    pub preferences: Option<&'a PreferenceModel>,
}

impl Readers {
    /// Splits what a reader likes into interests, and goes on with those that are known of them. With `note` what was found
    /// is known from then on (`kept`); a look at what would be leaves no trace. Nothing is written.
    pub(in crate::engine::readers) fn find_interests(
        &self,
        space: &EmbeddingSpace,
        common: &Common,
        user: &User,
        liked: Liked<'_>,
        note: bool,
    ) -> Result<Vec<Interest>> {
        let Liked { learned, preferences, .. } = liked;
        let mut stored = if user.number < 0 { Vec::new() } else { self.known_interests(user.number)? };
        let positive: Vec<usize> =
            (0..learned.len()).filter(|k| preferences.is_some() && learned[*k].weight > 0.0).collect();
        let ids: Vec<String> = learned.iter().map(|l| l.id.to_string()).collect();
        let affinity = |a: usize, b: usize| preferences.map_or(0.0, |t| t.affinity(a, b));
        let found = find(&positive, &ids, &affinity, &mut stored);
        let said = said(&stored);
        let lost = said.iter().filter(|s| s.muted && !found.iter().any(|f| f.0 == s.number));
        let lost: Vec<(u32, Vec<usize>)> = lost.map(|s| (s.number, Vec::new())).collect();
        let total: f32 = positive.iter().map(|&k| learned[k].weight).sum();
        let mut interests: Vec<Interest> = Vec::new();
        for (number, mut members) in found.into_iter().chain(lost) {
            members.sort_by(|a, b| learned[*b].weight.total_cmp(&learned[*a].weight).then(a.cmp(b)));
            let edits = stored.iter().find(|s| s.number == number).map_or_else(Edits::default, |s| s.edits.clone());
            let anchor = said.iter().find(|s| s.number == number).map(|s| s.anchor.clone()).unwrap_or_default();
            let of = |some: &[usize]| common.background.centroid(some.iter().map(|&k| liked.vectors[k].as_slice()));
            let mut places: Vec<Place> = of(&members).into_iter().collect();
            if !edits.muted {
                let own: Vec<usize> = members.iter().copied().filter(|k| anchor.contains(&ids[*k])).collect();
                places.extend(of(&own).filter(|_| own.len() < members.len()));
            }
            interests.push(Interest {
                number,
                share: members.iter().map(|&k| learned[k].weight).sum::<f32>() / total.max(f32::MIN_POSITIVE),
                edits,
                merged: stored.iter().any(|s| s.merged == Some(number)),
                members,
                anchor,
                places,
            });
        }
        interests.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.number.cmp(&b.number)));
        for k in (0..interests.len()).filter(|k| interests[*k].edits.muted).collect::<Vec<_>>() {
            let (own, rows) = self.anchor_vectors(space, user, liked, &interests[k].anchor)?;
            interests[k].places.extend(common.background.centroid(own.iter().map(Vec::as_slice)));
            let alike = self.alike(space, common, &interests, k, &rows)?;
            let all = own.iter().chain(&own).chain(&alike).map(Vec::as_slice);
            interests[k].places.extend(common.background.centroid(all).filter(|_| !alike.is_empty()));
        }
        if note && user.number >= 0 {
            let before = self.store.interests(user.number)?;
            self.found.note(user.number, user.version, stored.into_iter().filter(|s| !before.contains(s)).collect());
        }
        Ok(interests)
    }

    /// The vectors of the papers that something was said of, whatever the reader thinks of them now, and their rows.
    fn anchor_vectors(
        &self,
        space: &EmbeddingSpace,
        user: &User,
        liked: Liked<'_>,
        anchor: &[String],
    ) -> Result<(Vec<Vec<f32>>, Vec<Row>)> {
        let ids: Vec<PaperId> = anchor.iter().take(ANCHOR).filter_map(|id| PaperId::new(id.as_str()).ok()).collect();
        let known: HashMap<&PaperId, usize> = liked.learned.iter().enumerate().map(|(k, l)| (&l.id, k)).collect();
        let mut vectors: Vec<Vec<f32>> =
            ids.iter().filter_map(|id| known.get(id)).map(|&k| liked.vectors[k].clone()).collect();
        let refs: Vec<&PaperId> = ids.iter().collect();
        let rows: Vec<Row> = self.store.rows(&refs)?.into_iter().flatten().collect();
        let unknown: Vec<&PaperId> = refs.into_iter().filter(|id| !known.contains_key(id)).collect();
        if !unknown.is_empty() {
            let further: Vec<Row> = self.store.rows(&unknown)?.into_iter().flatten().collect();
            vectors.extend(space.vectors(&further)?.into_iter().flatten());
            let outside = self.store.library(user.number)?;
            let outside: Vec<&Paper> = outside.iter().filter(|p| unknown.contains(&&p.id)).collect();
            if !outside.is_empty() {
                vectors.extend(self.vectors_of(space, &outside)?);
            }
        }
        vectors.retain(|v| v.iter().any(|x| *x != 0.0));
        Ok((vectors, rows))
    }

    /// Papers of the corpus that are just like those of a muted interest, and closer to it than to any other.
    fn alike(
        &self,
        space: &EmbeddingSpace,
        common: &Common,
        interests: &[Interest],
        muted: usize,
        own: &[Row],
    ) -> Result<Vec<Vec<f32>>> {
        let Some((direction, _)) = interests[muted].places.last() else { return Ok(Vec::new()) };
        let Ok(unit) = crate::embed::unit(direction.clone()) else { return Ok(Vec::new()) };
        let near = space.search(&unit, ALIKE + own.len(), None)?;
        let rows: Vec<Row> = near.neighbours.iter().map(|n| n.row).filter(|row| !own.contains(row)).collect();
        let length = common.background.length();
        let mut alike: Vec<Vec<f32>> = space.vectors(&rows)?.into_iter().flatten().collect();
        alike.retain(|v| {
            let value = interests[muted].near(v);
            let elsewhere = interests.iter().enumerate().filter(|(k, _)| *k != muted).map(|(_, i)| i.near(v));
            value >= ALIKE_FROM * length && elsewhere.fold(f32::NEG_INFINITY, f32::max) < value
        });
        alike.truncate(ALIKE);
        Ok(alike)
    }
}
