//! The interests in a user's history: found, named, kept under one id while the history grows, and edited by the user.
//!
//! What the user says of one holds for the papers that were in it when they said it, whatever is found later (`found`).

use crate::user::Edits;

mod edit;
mod found;
mod kept;
mod names;
mod places;

pub use edit::{InterestPatch, InterestView};
pub use found::ONE_INTEREST;
pub use kept::FoundLately;
pub use places::{Liked, Place, Standing, standing};

/// The least share of a pinned interest.
const PINNED_SHARE: f32 = 0.1;

/// An interest of a reader.
#[derive(Debug, Clone)]
pub struct Interest {
    pub number: u32,
    /// The part of the liked papers that is in it, by weight: what there is, before the user's edits.
    pub share: f32,
    pub edits: Edits,
    /// Whether others were merged into it.
    pub merged: bool,
    /// Its papers, as places in the reader's examples; the heaviest first. None where a muted one has lost them.
    pub members: Vec<usize>,
    /// The papers, by id, that the user said something of.
    pub anchor: Vec<String>,
    /// Where it lies: at the middle of its papers, at that of those that the user said something of, and, where it is muted,
    /// of what is just like these.
    pub places: Vec<Place>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_follow_the_edits() {
        let interest = |number, share, edits: Edits| Interest {
            number,
            share,
            edits,
            merged: false,
            members: Vec::new(),
            anchor: Vec::new(),
            places: Vec::new(),
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
