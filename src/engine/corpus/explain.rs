//! Where the score of a hit comes from: meaning, words one by one, feedback.

use std::time::Instant;

use crate::engine::answer::{Answer, ENOUGH, Hit, Meta, Part, SearchOptions, Why};
use crate::engine::corpus::Corpus;
use crate::engine::corpus::candidates::{Candidate, LexicalQuery};
use crate::engine::corpus::retrieve::Retrieved;
use crate::paper::Paper;

/// Words that are told one by one in an explanation, at least, and at most.
const TOLD: usize = 12;
const MOST_TOLD: usize = 60;

impl Corpus {
    /// The hits of an answer, each with its reasons when they are asked for.
    pub(super) fn answer(
        &self,
        retrieved: Retrieved,
        wanted: LexicalQuery<'_>,
        meaning: &dyn Fn(f32) -> Part,
        ask: &SearchOptions,
        began: Instant,
    ) -> Answer {
        let Retrieved { hits, plan, total } = retrieved;
        let why = |f: &Candidate| Why::of(self.parts(f, wanted, meaning));
        let hit =
            |(f, paper): (Candidate, Paper)| Hit { why: ask.explain.then(|| why(&f)), ..Hit::new(paper, f.score) };
        Answer { papers: hits.into_iter().map(hit).collect(), meta: Meta::since(began, plan, total, ask.mode) }
    }

    pub(super) fn parts(
        &self,
        found: &Candidate,
        wanted: LexicalQuery<'_>,
        meaning: &dyn Fn(f32) -> Part,
    ) -> Vec<Part> {
        let told = found.meaning + found.words + found.feedback;
        let mut parts = Vec::new();
        if found.meaning != 0.0 {
            parts.push(meaning(found.meaning));
        }
        if found.words > 0.0 {
            let mut words = wanted.parts(self.lexical(), found.row);
            words.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            // As parts of what they are together, whatever changed between scoring and telling.
            let scale = found.words / words.iter().map(|(_, v)| v).sum::<f32>().max(f32::MIN_POSITIVE);
            // As many as it takes until those that are named, with the meaning, are most of the score.
            let named = |n: usize| words.iter().take(n).map(|(_, v)| v * scale).sum::<f32>();
            let besides = found.meaning.abs() + found.feedback.abs();
            let enough = |n: &usize| besides + named(*n) >= ENOUGH * (besides + found.words);
            let told = (TOLD..words.len().min(MOST_TOLD)).find(enough).unwrap_or(MOST_TOLD);
            let rest: f32 = words.iter().skip(told).map(|(_, v)| v * scale).sum();
            words.truncate(told);
            parts.extend(words.into_iter().map(|(term, value)| Part::Term { term, value: value * scale }));
            if rest > 0.0 {
                parts.push(Part::Term { term: "…".into(), value: rest });
            }
        }
        if found.feedback != 0.0 {
            parts.push(Part::Feedback { value: found.feedback });
        }
        if told == 0.0 && found.score != 0.0 {
            parts.push(Part::Exact { value: found.score });
        }
        parts
    }
}
