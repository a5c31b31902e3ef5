//! Hits with their reasons.

use super::Shown;
use crate::engine::answer::{Hit, InterestName, Part, Why};
use crate::engine::corpus::{Besides, EmbeddingSpace};
use crate::engine::readers::Readers;
use crate::engine::readers::learned::Learned;
use crate::engine::readers::pool::Scored;
use crate::engine::readers::reader::Reader;
use crate::error::Result;
use crate::index::TermVector;
use crate::paper::Row;
use crate::rank::ScoreParts;

/// The part of what speaks for a paper that an interest's own papers make at least, and more than those of any other, where it
/// is said to have brought it.
const BROUGHT: f32 = 0.15;

/// Takes the score of a paper apart, given its row, vector and terms.
pub type Explain<'a> = dyn Fn(Row, &[f32], &[(u32, f32)]) -> ScoreParts + 'a;

impl Readers {
    pub(super) fn hits(
        &self,
        space: &EmbeddingSpace,
        reader: &Reader,
        page: Vec<Shown<'_>>,
        explain: Option<&Explain<'_>>,
    ) -> Result<Vec<Hit>> {
        let names = if explain.is_some() { self.interest_names(reader)? } else { &[] };
        let rows: Vec<Row> = page.iter().map(|shown| shown.scored.row).collect();
        let (vectors, terms) = if explain.is_some() {
            (space.vectors(&rows)?, self.corpus.lexical().terms(&rows))
        } else {
            (vec![None; rows.len()], vec![None; rows.len()])
        };
        let hit = |((shown, vector), terms): ((Shown<'_>, Option<Vec<f32>>), Option<TermVector>)| {
            let Shown { scored: s, paper, explore, follow } = shown;
            let mut why = explain.zip(vector).map(|(explain, v)| {
                let parts = explain(s.row, &v, &terms.unwrap_or_default().terms);
                let brought = s.standing.interest.filter(|_| !explore).filter(|k| brought(reader, *k, &parts, s));
                let interest = brought.map(|k| (&reader.interests[k], &names[k]));
                let mut why = self.why(reader, parts, s);
                why.interest = interest.map(|(i, named)| InterestName {
                    id: i.id(),
                    name: named.name.clone(),
                    kind: "interest".into(),
                });
                why
            });
            // What the reader said that they follow, before what was found in their history, where that alone would not have.
            let found = why.as_ref().is_some_and(|why| why.interest.is_some());
            self.name_follow(reader, follow.or(s.follow.filter(|_| !found || s.lift > 0.0)), &mut why);
            Hit { why, explore, chance: s.chance, probability: s.chance, ..Hit::new(paper, s.score) }
        };
        Ok(page.into_iter().zip(vectors).zip(terms).map(hit).collect())
    }

    /// Whether the interest that each is of brought it.
    pub(super) fn are_brought(&self, space: &EmbeddingSpace, reader: &Reader, all: &[&Scored]) -> Result<Vec<bool>> {
        let Some(preferences) = &reader.preferences else { return Ok(vec![false; all.len()]) };
        let rows: Vec<Row> = all.iter().map(|s| s.row).collect();
        let (vectors, terms) = (space.vectors(&rows)?, self.corpus.lexical().terms(&rows));
        let one = |((s, vector), terms): ((&&Scored, Option<Vec<f32>>), Option<TermVector>)| {
            s.standing.interest.zip(vector).is_some_and(|(interest, vector)| {
                brought(reader, interest, &preferences.parts(&vector, &terms.unwrap_or_default().terms), s)
            })
        };
        Ok(all.iter().zip(vectors).zip(terms).map(one).collect())
    }

    /// The score of a paper taken apart.
    fn why(&self, reader: &Reader, parts: ScoreParts, s: &Scored) -> Why {
        let example = |k: usize, value| {
            let l: &Learned = &reader.learned[k];
            Part::Paper { id: l.id.to_string(), title: l.title.clone(), value }
        };
        let besides = Besides { age: s.age, others: s.others, feedback: s.feedback };
        let mut why = self.corpus.reasons(parts, &example, besides, s.score - s.lift);
        if let Some(search) = s.follow.filter(|_| s.lift > 0.0).and_then(|k| reader.follows.get(k)) {
            let InterestName { id, name, .. } = self.followed_name(search);
            why.parts.push(Part::Follow { id, name, value: s.lift });
        }
        why
    }
}

/// Whether an interest brought a paper: its papers make a real part of all that speaks for it, and more than another's.
fn brought(reader: &Reader, interest: usize, parts: &ScoreParts, s: &Scored) -> bool {
    let positive = |values: &mut dyn Iterator<Item = f32>| values.map(|v| v.max(0.0)).sum::<f32>();
    let of = |k: usize| positive(&mut reader.interests[k].members.iter().map(|&m| parts.examples[m]));
    let own = of(interest);
    let all = positive(&mut parts.examples.iter().copied())
        + positive(&mut parts.terms.iter().map(|t| t.1))
        + positive(&mut [s.others, s.feedback].into_iter());
    own > 0.0 && own >= BROUGHT * all && (0..reader.interests.len()).all(|k| of(k) <= own)
}
