//! A score taken apart into reasons: the examples and words that count most, the rest of them together, what papers at large
//! would get, and what is added besides.

use crate::engine::answer::{ENOUGH, Part, Why};
use crate::engine::corpus::Corpus;
use crate::rank::ScoreParts;

/// Examples and words that are named in an explanation at least, each; more until those that are named come to
/// [`ENOUGH`] of all, and so many at most.
const NAMED: usize = 8;
const MOST_NAMED: usize = 60;

/// What is added to what the preference model says.
#[derive(Debug, Clone, Copy, Default)]
pub struct Besides {
    /// What age takes away.
    pub age: f32,
    /// What the reading of others adds.
    pub others: f32,
    /// What the best of the candidates have in common with it.
    pub feedback: f32,
}

impl Corpus {
    /// The reasons of a score. `example` is the part of one example, by its place and value.
    pub fn reasons(
        &self,
        parts: ScoreParts,
        example: &dyn Fn(usize, f32) -> Part,
        besides: Besides,
        score: f32,
    ) -> Why {
        let Besides { age, others, feedback } = besides;
        let mut out = Vec::new();
        let mut named = 0.0;
        let terms: Vec<f32> = parts.terms.iter().map(|t| t.1).collect();
        // Less than is shown is told with the rest.
        let baseline = if parts.baseline.abs() < 1e-5 { 0.0 } else { parts.baseline };
        let added = [age, others, feedback, baseline];
        let (examples, words) = told(&parts.examples, &terms, &added, score);
        for k in examples {
            let value = parts.examples[k];
            named += value;
            out.push(example(k, value));
        }
        for k in words {
            if let Some(term) = self.lexical().term(parts.terms[k].0) {
                named += terms[k];
                out.push(Part::Term { term, value: terms[k] });
            }
        }
        if age != 0.0 {
            out.push(Part::Recency { value: age });
        }
        if others != 0.0 {
            out.push(Part::Others { value: others });
        }
        if feedback != 0.0 {
            out.push(Part::Feedback { value: feedback });
        }
        if baseline != 0.0 {
            out.push(Part::Background { value: baseline });
        }
        // What a paper far down has by a short cut differs from the closer look; the rest takes the difference too.
        let rest = score - age - feedback - others - baseline - named;
        if rest.abs() > 1e-6 {
            out.push(Part::Rest { value: rest });
        }
        Why::of(out)
    }
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
