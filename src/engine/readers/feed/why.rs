//! Hits with their reasons.

use crate::engine::answer::ENOUGH;
use crate::engine::answer::{Hit, InterestName, Part, Why};
use crate::engine::corpus::EmbeddingSpace;
use crate::engine::readers::Readers;
use crate::engine::readers::pool::Scored;
use crate::engine::readers::reader::Reader;
use crate::error::Result;
use crate::index::TermVector;
use crate::paper::{Paper, Row};
use crate::rank::ScoreParts;

/// Examples and words that are named in an explanation at least, each; more until those that are named come to
/// [`ENOUGH`] of all, and so many at most.
const NAMED: usize = 8;
const MOST_NAMED: usize = 60;

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
        page: Vec<(&Scored, Paper, bool)>,
        explain: Option<&Explain<'_>>,
    ) -> Result<Vec<Hit>> {
        let names = if explain.is_some() { self.interest_names(reader)? } else { &[] };
        let rows: Vec<Row> = page.iter().map(|p| p.0.row).collect();
        let (vectors, terms) = if explain.is_some() {
            (space.vectors(&rows)?, self.corpus.lexical().terms(&rows))
        } else {
            (vec![None; rows.len()], vec![None; rows.len()])
        };
        type Shown<'a> = (&'a Scored, Paper, bool);
        let hit = |((shown, vector), terms): ((Shown<'_>, Option<Vec<f32>>), Option<TermVector>)| {
            let (s, paper, explore) = shown;
            let why = explain.zip(vector).map(|(explain, v)| {
                let parts = explain(s.row, &v, &terms.unwrap_or_default().terms);
                let brought = s.standing.interest.filter(|_| !explore).filter(|k| brought(reader, *k, &parts, s));
                let interest = brought.map(|k| (&reader.interests[k], &names[k]));
                let mut why = self.why(reader, parts, s);
                why.interest = interest.map(|(i, named)| InterestName { id: i.id(), name: named.name.clone() });
                why
            });
            Hit { why, explore, chance: s.chance, probability: s.chance, ..Hit::new(paper, s.score) }
        };
        Ok(page.into_iter().zip(vectors).zip(terms).map(hit).collect())
    }

    /// The score of a paper taken apart: the papers and words that count most, the rest of them together, what papers at
    /// large would get, and age.
    fn why(&self, reader: &Reader, parts: ScoreParts, s: &Scored) -> Why {
        let mut out = Vec::new();
        let mut named = 0.0;
        let terms: Vec<f32> = parts.terms.iter().map(|t| t.1).collect();
        let besides = [s.age, s.others, s.feedback, parts.baseline];
        let (examples, words) = told(&parts.examples, &terms, &besides, s.score);
        for k in examples {
            let (l, value) = (&reader.learned[k], parts.examples[k]);
            named += value;
            out.push(Part::Paper { id: l.id.to_string(), title: l.title.clone(), value });
        }
        for k in words {
            if let Some(term) = self.corpus.lexical().term(parts.terms[k].0) {
                named += terms[k];
                out.push(Part::Term { term, value: terms[k] });
            }
        }
        if s.age != 0.0 {
            out.push(Part::Recency { value: s.age });
        }
        if s.others != 0.0 {
            out.push(Part::Others { value: s.others });
        }
        if s.feedback != 0.0 {
            out.push(Part::Feedback { value: s.feedback });
        }
        if parts.baseline != 0.0 {
            out.push(Part::Background { value: parts.baseline });
        }
        // What a paper far down has by a short cut differs from the closer look; the rest takes the difference too.
        let rest = s.score - s.age - s.feedback - s.others - parts.baseline - named;
        if rest.abs() > 1e-6 {
            out.push(Part::Rest { value: rest });
        }
        Why::of(out)
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

/// Which examples and which terms are named, each in the order of their values: those furthest from zero, as many as it takes
/// that all that is named, with what is told `besides`, comes to [`ENOUGH`] of the absolute sum. `score` is what everything sums
/// to.
fn told(examples: &[f32], terms: &[f32], besides: &[f32], score: f32) -> (Vec<usize>, Vec<usize>) {
    let (examples_first, terms_first) = (greatest(examples), greatest(terms));
    let mut shown: f32 = besides.iter().map(|v| v.abs()).sum();
    let mut rest = score - besides.iter().sum::<f32>();
    let mut take = |values: &[f32], k: usize| {
        shown += values[k].abs();
        rest -= values[k];
        shown >= ENOUGH * (shown + rest.abs())
    };
    let (mut e, mut t, mut enough) = (0, 0, false);
    while e < examples_first.len().min(NAMED) {
        enough = take(examples, examples_first[e]);
        e += 1;
    }
    while t < terms_first.len().min(NAMED) {
        enough = take(terms, terms_first[t]);
        t += 1;
    }
    while !enough && e + t < MOST_NAMED {
        let next = |values: &[f32], order: &[usize], k: usize| order.get(k).map(|k| values[*k].abs());
        match (next(examples, &examples_first, e), next(terms, &terms_first, t)) {
            (None, None) => break,
            (a, b) if a >= b => {
                enough = take(examples, examples_first[e]);
                e += 1;
            }
            _ => {
                enough = take(terms, terms_first[t]);
                t += 1;
            }
        }
    }
    let in_order = |values: &[f32], order: &[usize]| {
        let mut order = order.to_vec();
        order.sort_by(|a, b| values[*b].total_cmp(&values[*a]).then(a.cmp(b)));
        order
    };
    (in_order(examples, &examples_first[..e]), in_order(terms, &terms_first[..t]))
}

/// The places of the values other than zero, furthest from it first.
fn greatest(values: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).filter(|k| values[*k] != 0.0).collect();
    order.sort_by(|a, b| values[*b].abs().total_cmp(&values[*a].abs()).then(a.cmp(b)));
    order
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_named_is_most_of_it(
            examples in prop::collection::vec(-0.2f32..1.0, 0..40), terms in prop::collection::vec(0.0f32..0.3, 0..15),
            besides in prop::collection::vec(-0.5f32..0.5, 0..3), cut in -0.05f32..0.05,
        ) {
            let score = examples.iter().chain(&terms).chain(&besides).sum::<f32>() + cut;
            let (e, t) = told(&examples, &terms, &besides, score);
            let named: f32 = e.iter().map(|k| examples[*k]).chain(t.iter().map(|k| terms[*k])).sum();
            let shown: f32 = e.iter().map(|k| examples[*k].abs()).chain(t.iter().map(|k| terms[*k].abs())).sum::<f32>()
                + besides.iter().map(|v| v.abs()).sum::<f32>();
            let rest = score - besides.iter().sum::<f32>() - named;
            // Where all is named only what the score was cut short by is left.
            let all = e.len() + t.len() == examples.iter().chain(&terms).filter(|v| **v != 0.0).count();
            prop_assert!(all || shown >= (ENOUGH - 1e-3) * (shown + rest.abs()), "{shown} {rest}");
            prop_assert!(e.windows(2).all(|w| examples[w[0]] >= examples[w[1]]));
            prop_assert!(e.len() >= NAMED.min(examples.iter().filter(|v| **v != 0.0).count()));
        }
    }
}
