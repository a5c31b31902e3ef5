//! Hits with their reasons.

use super::score::Scored;
use crate::engine::reader::Reader;
use crate::engine::space::Space;
use crate::engine::{Engine, Hit, InterestName, Part, Why};
use crate::paper::{Paper, Row};
use crate::rank::Parts;

/// Examples and words that are named in an explanation.
const NAMED: usize = 8;

/// Takes the score of a paper apart, given its row, vector and terms.
pub type Explain<'a> = dyn Fn(Row, &[f32], &[(u32, f32)]) -> Parts + 'a;

impl Engine {
    pub(super) fn hits(
        &self,
        space: &Space,
        reader: &Reader,
        page: Vec<(&Scored, Paper, bool)>,
        explain: Option<&Explain<'_>>,
    ) -> Vec<Hit> {
        let rows: Vec<Row> = page.iter().map(|p| p.0.row).collect();
        let (vectors, terms) = if explain.is_some() {
            (space.index.vectors(&rows), self.lexical.terms(&rows))
        } else {
            (vec![None; rows.len()], vec![None; rows.len()])
        };
        page.into_iter()
            .zip(vectors)
            .zip(terms)
            .map(|(((s, paper, explore), vector), terms)| {
                let why = explain.zip(vector).map(|(explain, v)| {
                    let mut why = self.why(reader, explain(s.row, &v, &terms.unwrap_or_default().terms), s);
                    let interest = s.interest.filter(|_| !explore).map(|k| &reader.interests[k]);
                    why.interest = interest.map(|i| InterestName { id: i.id(), name: i.name.clone() });
                    why
                });
                let probability = reader.odds.map(|odds| odds.chance(s.liking));
                Hit { why, explore, probability, ..Hit::new(paper, s.score) }
            })
            .collect()
    }

    /// The score of a paper taken apart: the papers and words that count most, the rest of them together, what papers at
    /// large would get, and age.
    fn why(&self, reader: &Reader, parts: Parts, s: &Scored) -> Why {
        let mut out = Vec::new();
        let mut named = 0.0;
        for k in greatest(&parts.examples) {
            let (l, value) = (&reader.learned[k], parts.examples[k]);
            named += value;
            out.push(Part::Paper { id: l.id.to_string(), title: l.title.clone(), value });
        }
        let values: Vec<f32> = parts.terms.iter().map(|t| t.1).collect();
        for k in greatest(&values) {
            if let Some(term) = self.lexical.term(parts.terms[k].0) {
                named += values[k];
                out.push(Part::Term { term, value: values[k] });
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
        out.push(Part::Background { value: parts.baseline });
        // What a paper far down has by a short cut differs from the closer look; the rest takes the difference too.
        let rest = s.score - s.age - s.feedback - s.others - parts.baseline - named;
        if rest.abs() > 1e-6 {
            out.push(Part::Rest { value: rest });
        }
        Why::of(out)
    }
}

/// The places of the values that are furthest from zero, in the order of their values.
fn greatest(values: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).filter(|k| values[*k] != 0.0).collect();
    order.sort_by(|a, b| values[*b].abs().total_cmp(&values[*a].abs()).then(a.cmp(b)));
    order.truncate(NAMED);
    order.sort_by(|a, b| values[*b].total_cmp(&values[*a]).then(a.cmp(b)));
    order
}
