//! Why a paper is shown: a sentence, a word for how strong a match it is, and the numbers behind both.

use serde::Serialize;

use super::cards::{Told, path_of};
use super::rich;
use crate::deliver::mail::why_sentence;
use crate::engine::{Hit, Part};
use crate::paper::{PaperId, shown};

/// Scores from which on a match of a feed is called strong and good: standard deviations above a paper at large.
const STRONG: f32 = 2.0;
const GOOD: f32 = 1.0;

/// Papers and words that are told one by one.
const SINGLE: usize = 5;

/// What a score is made of.
#[derive(Debug, Clone, Serialize)]
pub struct Numbers {
    /// The score.
    pub score: String,
    /// By kind of part.
    pub rows: Vec<NumbersRow>,
    /// The chance that the reader likes it, in percent; none where it is not known.
    pub chance: Option<u32>,
}

/// A part of a score, or several of one kind.
#[derive(Debug, Clone, Serialize)]
pub struct NumbersRow {
    /// The name of its text, for a kind of parts.
    pub kind: &'static str,
    /// What it is, for one of a kind: a title, a word.
    pub name: String,
    /// Where that leads.
    pub path: Option<String>,
    /// How much it adds.
    pub value: String,
    /// Where its bar begins and how long it is, of 100.
    pub bar: (f32, f32),
    /// Whether it takes away.
    pub less: bool,
    /// Whether it is one of a kind.
    pub single: bool,
}

/// How strong a match of a feed is, as the name of a text.
pub fn strength(hit: &Hit) -> Option<&'static str> {
    let parts = &hit.why.as_ref()?.parts;
    // Of whom nothing is known a score is attention, and no match.
    let personal =
        parts.iter().any(|part| matches!(part, Part::Paper { .. } | Part::Term { .. } | Part::Follow { .. }));
    match hit.score {
        _ if !personal => None,
        score if score >= STRONG => Some("strong"),
        score if score >= GOOD => Some("good"),
        _ => Some("some"),
    }
}

/// Why it is here, in one sentence.
pub fn sentence_of(hit: &Hit, told: Told) -> Option<String> {
    if told == Told::Feed {
        return why_sentence(hit);
    }
    let parts = &hit.why.as_ref()?.parts;
    if parts.iter().any(|part| matches!(part, Part::Exact { .. })) {
        return None;
    }
    let mut words: Vec<(&str, f32)> = parts
        .iter()
        .filter_map(|part| match part {
            Part::Term { term, value } if term != "…" && *value > 0.0 => Some((term.as_str(), *value)),
            _ => None,
        })
        .collect();
    words.sort_by(|a, b| b.1.total_cmp(&a.1));
    let words: Vec<String> = words.iter().take(4).map(|(word, _)| shown(word)).collect();
    Some(words.join(", ")).filter(|words| !words.is_empty())
}

/// What the score is made of, largest kinds first.
pub fn numbers(hit: &Hit, told: Told) -> Option<Numbers> {
    let parts = &hit.why.as_ref()?.parts;
    if parts.is_empty() {
        return None;
    }
    let mut kinds: Vec<(&'static str, Vec<&Part>)> = Vec::new();
    for part in parts {
        let kind = kind_of(part, told);
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, own)) => own.push(part),
            None => kinds.push((kind, vec![part])),
        }
    }
    let sum = |own: &[&Part]| own.iter().map(|part| value_of(part)).sum::<f32>();
    let mut rows: Vec<(&'static str, String, Option<String>, f32, bool)> = Vec::new();
    for (kind, mut own) in kinds {
        rows.push((kind, String::new(), None, sum(&own), false));
        own.retain(|part| matches!(part, Part::Paper { .. } | Part::Term { .. } | Part::Follow { .. }));
        own.sort_by(|a, b| value_of(b).abs().total_cmp(&value_of(a).abs()));
        for part in own.iter().take(SINGLE) {
            let (name, path) = named(part);
            rows.push((kind, name, path, value_of(part), true));
        }
    }
    let least = rows.iter().map(|row| row.3).fold(0.0, f32::min);
    let span = rows.iter().map(|row| row.3).fold(0.0, f32::max) - least;
    let scale = if span > 0.0 { 100.0 / span } else { 0.0 };
    let rows = rows
        .into_iter()
        .map(|(kind, name, path, value, single)| NumbersRow {
            kind,
            name,
            path,
            value: signed(value),
            bar: ((value.min(0.0) - least) * scale, (value.abs() * scale).max(0.5)),
            less: value < 0.0,
            single,
        })
        .collect();
    let chance = hit.chance.map(|chance| (100.0 * chance).round() as u32);
    Some(Numbers { score: format!("{:.2}", hit.score).replace('-', "−"), rows, chance })
}

fn named(part: &Part) -> (String, Option<String>) {
    match part {
        Part::Paper { id, title, .. } => {
            // A paper of the reader's own list that is not in the corpus has no page here.
            let path = PaperId::new(id).ok().filter(|id| !id.as_str().starts_with("text:"));
            (rich::text(title), path.map(|id| path_of(&id)))
        }
        Part::Term { term, .. } => (shown(term), None),
        Part::Follow { name, .. } => (shown(name), None),
        _ => (String::new(), None),
    }
}

fn signed(value: f32) -> String {
    format!("{}{:.2}", if value < -0.004 { "−" } else { "+" }, value.abs())
}

/// The name of the text for the kind of a part.
fn kind_of(part: &Part, told: Told) -> &'static str {
    match part {
        Part::Paper { .. } if told == Told::Feed => "of_papers",
        Part::Paper { .. } => "of_meaning",
        Part::Text { .. } => "of_text",
        Part::Term { .. } => "of_words",
        Part::Feedback { .. } => "of_feedback",
        Part::Exact { .. } => "of_name",
        Part::Background { .. } => "of_background",
        Part::Vector { .. } => "of_vector",
        Part::Votes { .. } => "of_votes",
        Part::Others { .. } => "of_others",
        Part::Rest { .. } => "of_rest",
        Part::Follow { .. } => "of_follow",
        Part::Recency { .. } => "of_age",
    }
}

fn value_of(part: &Part) -> f32 {
    match part {
        Part::Paper { value, .. }
        | Part::Text { value, .. }
        | Part::Term { value, .. }
        | Part::Feedback { value }
        | Part::Exact { value }
        | Part::Background { value }
        | Part::Vector { value }
        | Part::Votes { value }
        | Part::Others { value }
        | Part::Rest { value }
        | Part::Follow { value, .. }
        | Part::Recency { value } => *value,
    }
}
