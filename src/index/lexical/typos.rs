//! What was probably meant by a word that no paper holds: the commonest one that is one edit away.

use std::collections::HashSet;

use serde::Serialize;
use tantivy::Term;
use tantivy::query::TermQuery;
use tantivy::schema::IndexRecordOption;
use utoipa::ToSchema;

use super::Lexical;
use super::analyzer::{Analyzer, Form, Purpose, Word};
use super::spelling::american;
use crate::error::Result;

/// Letters of the shortest word that can be mistyped: shorter ones have too many neighbours.
const SHORTEST: usize = 5;

/// Letters of the longest. What is longer is no word.
const LONGEST: usize = 32;

/// A query of so many words may have one that is changed, of twice as many two: among more, a word that no paper holds
/// is most likely a word, and the others say enough.
const WORDS: usize = 6;

/// Neighbours of one word whose papers are counted one by one.
const COUNTED: usize = 8;

/// A word that was looked for in another's place, since no paper holds what was typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Correction {
    /// What was typed.
    pub from: String,
    /// What was looked for.
    pub to: String,
}

impl Lexical {
    /// A query with each word that nothing holds (no title, abstract or keyword, no name) in the form that is one
    /// letter more, less, other or swapped away; of several the one of most papers. What was changed is told, and is
    /// empty for most queries.
    ///
    /// Only words of five letters or more change, and not one among many.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] when the index cannot be read.
    pub fn corrected(&self, text: &str) -> Result<(String, Vec<Correction>)> {
        let read = Analyzer::default().read(text, Purpose::Query);
        let words = read.iter().filter(|w| w.form == Form::Alone).count();
        let mut unknown: Vec<&Word> = Vec::new();
        for word in read.iter().filter(|w| w.form == Form::Alone) {
            let letters = word.whole.chars().count();
            let typed = (SHORTEST..=LONGEST).contains(&letters) && word.surface.chars().all(char::is_alphabetic);
            if !typed || unknown.iter().any(|w| w.surface == word.surface) {
                continue;
            }
            // It is known when anything is that it is part of: `resnet` of `resnet50`.
            let over = |w: &&Word| w.counts() && w.position <= word.position && word.position < w.position + w.places;
            let forms: Vec<&str> = read.iter().filter(over).map(|w| w.term.as_str()).collect();
            if !self.is_held(&forms, &word.whole)? {
                unknown.push(word);
            }
        }
        let mut corrections: Vec<Correction> = Vec::new();
        for word in unknown.iter().filter(|_| unknown.len() * WORDS >= words) {
            if let Some(to) = self.neighbour(&word.whole)? {
                corrections.push(Correction { from: word.surface.clone(), to });
            }
        }
        if corrections.is_empty() {
            Ok((text.to_string(), corrections))
        } else {
            Ok((replaced(text, &corrections), corrections))
        }
    }

    /// Whether a paper holds any of some terms, or somebody has the name.
    fn is_held(&self, terms: &[&str], name: &str) -> Result<bool> {
        let held = {
            let state = self.state();
            terms.iter().any(|t| state.dictionary.find(t).is_some_and(|id| state.papers_with(id) > 0))
        };
        let (view, fields) = (self.inverted().view(), &self.fields);
        Ok(held || view.frequency(fields.author, name)? > 0 || view.frequency(fields.whole, &american(name))? > 0)
    }

    /// The word one edit away that most papers hold.
    fn neighbour(&self, word: &str) -> Result<Option<String>> {
        let (view, fields) = (self.inverted().view(), &self.fields);
        let mut found: Vec<(u64, bool, String)> = Vec::new();
        for other in edits(word) {
            let written = american(&other);
            for (field, text, name) in [(fields.whole, &*written, false), (fields.author, &*other, true)] {
                let n = view.frequency(field, text)?;
                if n > 0 {
                    found.push((n, name, other.clone()));
                }
            }
        }
        found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.2.cmp(&b.2)));
        // What is counted so far includes papers that are gone.
        let live = self.rows();
        let mut best: Option<(u64, String)> = None;
        for (n, name, other) in found.into_iter().take(COUNTED) {
            if best.as_ref().is_some_and(|(most, _)| *most >= n) {
                break;
            }
            let (field, text) =
                if name { (fields.author, other.clone()) } else { (fields.whole, american(&other).into()) };
            let query = TermQuery::new(Term::from_field_text(field, &text), IndexRecordOption::Basic);
            let n = (view.all(&query)? & &live).len();
            if n > 0 && best.as_ref().is_none_or(|(most, _)| n > *most) {
                best = Some((n, other));
            }
        }
        Ok(best.map(|(_, word)| word))
    }
}

/// All words one edit away: a letter less, two letters swapped, another letter, a letter more.
fn edits(word: &str) -> HashSet<String> {
    let letters: Vec<char> = word.chars().collect();
    let alphabet: Vec<char> = if word.is_ascii() {
        ('a'..='z').collect()
    } else if letters.iter().any(|c| matches!(c, 'а'..='я')) {
        ('а'..='я').chain(['ё']).collect()
    } else {
        Vec::new()
    };
    let spell = |before: &[char], between: &[char], behind: &[char]| -> String {
        before.iter().chain(between).chain(behind).collect()
    };
    let mut all = HashSet::new();
    for k in 0..=letters.len() {
        let (before, behind) = letters.split_at(k);
        for letter in &alphabet {
            all.insert(spell(before, &[*letter], behind));
        }
        let [first, rest @ ..] = behind else { continue };
        all.insert(spell(before, &[], rest));
        for letter in &alphabet {
            all.insert(spell(before, &[*letter], rest));
        }
        if let [second, rest @ ..] = rest {
            all.insert(spell(before, &[*second, *first], rest));
        }
    }
    all.remove(word);
    all
}

/// The text with whole words in others' places.
fn replaced(text: &str, corrections: &[Correction]) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while !rest.is_empty() {
        let word = &rest[..rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len())];
        if word.is_empty() {
            let sign = rest.chars().next().map_or(rest.len(), char::len_utf8);
            out.push_str(&rest[..sign]);
            rest = &rest[sign..];
            continue;
        }
        out.push_str(corrections.iter().find(|c| c.from == word).map_or(word, |c| c.to.as_str()));
        rest = &rest[word.len()..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_edit_is_one_letter_or_two_swapped() {
        let near = edits("transfomer");
        for word in ["transformer", "transfomers", "transfmer", "transfoemr", "ransfomer", "trensfomer"] {
            assert!(near.contains(word), "{word}");
        }
        assert!(!near.contains("transfomer") && !near.contains("transformers"));
        assert!(edits("диффузя").contains("диффузия"));
    }

    #[test]
    fn only_whole_words_are_replaced() {
        let corrections = [Correction { from: "atention".into(), to: "attention".into() }];
        assert_eq!(
            replaced("self-atention, atentional: atention", &corrections),
            "self-attention, atentional: attention"
        );
    }
}
