//! Which part of an abstract stands for it.

use std::collections::HashSet;
use std::ops::Range;

use super::Laid;
use crate::paper::Span;

/// How far before a matched word a passage begins, in parts of its length.
const BEFORE: usize = 4;

/// Matched words that are tried as the first of a passage.
const MAX_TRIED: usize = 64;

impl Laid {
    /// The passage of at most so many characters that has most of the matched words, the first of those; the beginning where it has as
    /// many.
    pub fn passage(&self, chars: usize, ranges: &[Range<usize>]) -> Range<usize> {
        let places: Vec<usize> = self.text.char_indices().map(|(place, _)| place).collect();
        if places.len() <= chars {
            return 0..self.text.len();
        }
        let end_of = |begin: usize| -> usize {
            let first = places.partition_point(|place| *place < begin);
            places.get(first + chars).copied().unwrap_or(self.text.len())
        };
        let words: Vec<String> = ranges.iter().map(|range| self.text[range.clone()].to_lowercase()).collect();
        let found = |begin: usize| {
            let end = end_of(begin);
            let within = ranges.iter().zip(&words).filter(|(range, _)| begin <= range.start && range.end <= end);
            within.take(MAX_TRIED).map(|(_, word)| word.as_str()).collect::<HashSet<_>>().len()
        };
        let mut best = (found(0), 0);
        for range in ranges.iter().take(MAX_TRIED) {
            let first = places.partition_point(|place| *place < range.start);
            let begin = self.beginning(places[first.saturating_sub(chars / BEFORE)], range.start);
            let here = found(begin);
            if here > best.0 {
                best = (here, begin);
            }
        }
        let mut begin = best.1;
        if begin > 0 && end_of(begin) == self.text.len() {
            // There is room for what comes before it.
            begin = self.beginning(places[places.len() - chars], begin);
        }
        begin..self.ending(begin, end_of(begin))
    }

    /// Where a passage begins that may begin at a byte and has to begin by another: with a sentence, else with a word.
    fn beginning(&self, from: usize, by: usize) -> usize {
        if from == 0 {
            return 0;
        }
        let text = &self.text[from..by];
        let after = |k: usize| from + k + text[k..].chars().next().map_or(0, char::len_utf8);
        let sentence = text.match_indices([' ', '\n']).map(|(k, _)| k).find(|k| text[..*k].ends_with(['.', '?', '!']));
        let word = || text.match_indices([' ', '\n']).map(|(k, _)| k).find(|k| self.parts(from + k));
        sentence.filter(|k| self.parts(from + k)).or_else(word).map_or(by, after)
    }

    /// Where a passage ends that may go on to a byte: between words, and with the last formula before that.
    fn ending(&self, begin: usize, to: usize) -> usize {
        if to == self.text.len() {
            return to;
        }
        let blank = |c: char| c == ' ' || c == '\n';
        let text = &self.text[begin..to];
        let mut cuts = text.rmatch_indices(blank).map(|(k, _)| begin + k);
        let here = self.text[to..].starts_with(blank) && self.parts(to);
        let cut = if here { Some(to) } else { cuts.find(|cut| self.parts(*cut)) };
        let cut = cut.filter(|cut| *cut > begin).unwrap_or_else(|| self.before_formula(to));
        let said = self.text[begin..cut].trim_end_matches([' ', '\n', ',', ';', ':', '–', '—']);
        // A formula may end with any of these.
        let said = begin + said.len();
        if self.parts(said) { said } else { cut }
    }

    /// Whether a byte is in no formula.
    fn parts(&self, at: usize) -> bool {
        self.before_formula(at) == at
    }

    /// The byte, or where the formula begins that it is in.
    fn before_formula(&self, at: usize) -> usize {
        let k = self.places.partition_point(|place| place.end <= at);
        let inside =
            self.places.get(k).filter(|place| place.start < at && matches!(self.spans[k], Span::Formula { .. }));
        inside.map_or(at, |place| place.start)
    }
}
