//! How much of a short query a paper has.
//!
//! Most of it is BM25 as a share of its bound (Robertson and Zaragoza, "The probabilistic relevance framework: BM25 and
//! beyond", 2009). BM25 does not care which words a paper lacks; who looks for a paper by a part of its title or a sentence of
//! it does. So a part is kept for papers that hold all of the words, as a soft AND (Salton, Fox and Wu, "Extended Boolean
//! information retrieval", 1983), and for those that hold all of them in the title. What it was measured to be worth stands in
//! `docs/quality.md`.

use super::Lexical;
use super::live_terms::LiveTerms;
use super::query::{NAME, QueryTerm, QueryWords};
use crate::paper::Row;

/// BM25's saturation and its share of the length, set on the even queries of cranfield and cisi.
const K1: f32 = 2.0;
const B: f32 = 0.75;

/// What a paper gets for holding all the words, and how fast that falls with what it lacks: of a paper that holds nine tenths
/// of their worth 0.43 is left. Chosen, as the next two, for known items among the even Daily Papers, with all queries of
/// cranfield and cisi in view, where it had to cost nothing.
const ALL: f32 = 0.15;
const STEEP: i32 = 8;

/// What it gets when the title holds them all.
const IN_TITLE: f32 = 0.15;

/// Telling words from which on both are given whole. One word is held by whatever is found at all, so it says nothing.
const WHOLE: usize = 4;

impl Lexical {
    /// How much of what the words are worth each row has, from 0, none of them, to 1, all of them again and again and in
    /// the title. It depends on nothing but the query and the row (and how common the words are).
    pub fn shares(&self, words: &QueryWords, rows: &[Row]) -> Vec<f32> {
        let state = self.state();
        rows.iter().map(|row| share(&state, words, *row).iter().map(|(_, value)| value).sum()).collect()
    }

    /// What each word adds to the share of a row, for a person to read.
    pub fn share_parts(&self, words: &QueryWords, row: Row) -> Vec<(String, f32)> {
        let state = self.state();
        share(&state, words, row).into_iter().map(|(wanted, value)| (wanted.surface.clone(), value)).collect()
    }

    /// Whether each row fills every place of the query that any paper fills. Of a name with a sign the letters are not
    /// enough.
    pub fn hold_all(&self, words: &QueryWords, rows: &[Row]) -> Vec<bool> {
        let state = self.state();
        let holds = |row: &Row| {
            let held = held(words, &counts(&state, words, *row).0, *row);
            words.places.iter().all(|place| place.iter().any(|k| held[*k]))
        };
        rows.iter().map(holds).collect()
    }
}

/// How often a row has each wanted word, and its length if it is there.
fn counts(state: &LiveTerms, words: &QueryWords, row: Row) -> (Vec<u8>, Option<u32>) {
    let mut counts = vec![0u8; words.terms.len()];
    let Some((entries, length)) = state.get(row.0).filter(|_| state.live.contains(row.0)) else {
        return (counts, None);
    };
    for (term, count) in entries.iter() {
        for (k, wanted) in words.terms.iter().enumerate() {
            if wanted.id == Some(term) {
                counts[k] = count;
            }
        }
    }
    (counts, Some(length))
}

/// Which wanted words a row has, in its text or among its authors.
fn held(words: &QueryWords, counts: &[u8], row: Row) -> Vec<bool> {
    let one = |(wanted, count): (&QueryTerm, &u8)| {
        // Of a name alone, to be mentioned is not enough.
        let mentions = *count > 0 && wanted.by.as_ref().is_none_or(|by| by.share < 1.0);
        mentions || wanted.by.as_ref().is_some_and(|by| by.rows.contains(row.0))
    };
    words.terms.iter().zip(counts).map(one).collect()
}

/// What each wanted word adds to a row's share.
fn share<'a>(state: &LiveTerms, words: &'a QueryWords, row: Row) -> Vec<(&'a QueryTerm, f32)> {
    let (counts, length) = counts(state, words, row);
    let norm = length.map_or(K1, |length| K1 * (1.0 - B + B * length as f32 / state.mean_length()));
    let ideal = words.ideal.max(f32::MIN_POSITIVE);
    let held = held(words, &counts, row);
    let worth = |wanted: &QueryTerm| if wanted.id.is_some() || wanted.by.is_some() { wanted.weight } else { 0.0 };
    let all: f32 = words.terms.iter().map(worth).sum();
    let has: f32 = words.terms.iter().zip(&held).filter(|(_, held)| **held).map(|(wanted, _)| worth(wanted)).sum();
    let (part, whole) = wholeness(words.telling(), has / all.max(f32::MIN_POSITIVE), words.titled.contains(row.0));
    let one = |((wanted, count), held): ((&'a QueryTerm, &u8), &bool)| {
        let often = f32::from(*count) / (f32::from(*count) + norm);
        let text = wanted.weight * if wanted.name && *count > 0 { often.max(NAME) } else { often };
        let name = wanted.by.as_ref().map_or(0.0, |by| by.value(row));
        // What it gets for the whole goes to the words that make it, by their worth.
        let of_whole = if *held && has > 0.0 { whole * worth(wanted) / has } else { 0.0 };
        let value = (1.0 - part) * text.max(name) / ideal + of_whole;
        (value > 0.0).then_some((wanted, value))
    };
    words.terms.iter().zip(&counts).zip(&held).filter_map(one).collect()
}

/// The part of a share that is kept for papers which hold all of so many telling words, and how much of it one gets that holds
/// so much of their worth, from 0 to 1.
fn wholeness(telling: usize, has: f32, in_title: bool) -> (f32, f32) {
    let certain = (telling.saturating_sub(1) as f32 / (WHOLE - 1) as f32).min(1.0);
    let title = if in_title { IN_TITLE } else { 0.0 };
    (certain * (ALL + IN_TITLE), certain * (ALL * has.clamp(0.0, 1.0).powi(STEEP) + title))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn more_of_a_query_is_never_worth_less(telling in 0usize..40, a in 0.0f32..=1.0, b in 0.0f32..=1.0, titled in any::<bool>()) {
            let (part, less) = wholeness(telling, a.min(b), false);
            let (same, more) = wholeness(telling, a.max(b), titled);
            prop_assert_eq!(part, same);
            prop_assert!((0.0..=part).contains(&less) && less <= more && more <= part + 1e-6);
            prop_assert!(part <= wholeness(telling + 1, a, titled).0 && part < 0.5, "most is BM25");
        }
    }

    #[test]
    fn one_word_is_bm25_alone_and_four_get_it_whole() {
        assert_eq!(wholeness(1, 1.0, true), (0.0, 0.0));
        let (part, whole) = wholeness(4, 1.0, true);
        assert!((part - whole).abs() < 1e-6 && (part - 0.3).abs() < 1e-6);
    }
}
