//! Which words of a text are those of a query, for a page that marks them.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::analyzer::{Analyzer, Form, Purpose, Word};
use crate::paper::is_cjk;

/// Words whose reading is kept.
const MAX_CACHED: usize = 10_000;

/// The words of a query, for finding them in texts. A word is found by what the index compares: its stem, whatever its case, accents,
/// ending or spelling.
pub struct MatchedWords {
    terms: HashSet<String>,
    /// The bytes that they begin with.
    firsts: [bool; 256],
    analyzer: RefCell<Analyzer>,
    read: RefCell<HashMap<String, Reading>>,
}

/// What a word of a text is to the query.
#[derive(Clone, Copy, PartialEq)]
enum Reading {
    /// None of it.
    Other,
    /// One of its words.
    Word,
    /// With the signs behind it.
    Signed,
}

impl MatchedWords {
    /// The words of some texts: of a query without its operators, and of what it was corrected to. Function words are none.
    pub fn of<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut analyzer = Analyzer::default();
        let mut terms = HashSet::new();
        for text in texts {
            let words = analyzer.read(text, Purpose::Query);
            let signs: Vec<Range<usize>> =
                words.iter().filter(|w| w.form == Form::Sign).map(|w| w.position..w.position + w.places).collect();
            // Who looks for `C++` means no other C.
            let said =
                |word: &Word| word.form != Form::Alone || !signs.iter().any(|sign| sign.contains(&word.position));
            terms.extend(words.into_iter().filter(|word| word.counts() && said(word)).map(|word| word.term));
        }
        let mut firsts = [false; 256];
        for first in terms.iter().filter_map(|term| term.bytes().next()) {
            firsts[usize::from(first.to_ascii_lowercase())] = true;
        }
        MatchedWords { terms, firsts, analyzer: RefCell::new(analyzer), read: RefCell::default() }
    }

    /// Whether there is nothing to find.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The bytes of a text without markup that are such words, in order.
    pub fn ranges(&self, text: &str) -> Vec<Range<usize>> {
        let mut ranges = Vec::new();
        if self.is_empty() {
            return ranges;
        }
        let mut at = 0;
        for chunk in text.split(char::is_whitespace) {
            self.chunk(chunk, at, &mut ranges);
            at += chunk.len() + text[at + chunk.len()..].chars().next().map_or(0, char::len_utf8);
        }
        ranges
    }

    /// Finds words in what stands between two blanks: as a whole, else one by one.
    fn chunk(&self, chunk: &str, at: usize, ranges: &mut Vec<Range<usize>>) {
        let pieces: Vec<Range<usize>> = pieces(chunk).collect();
        let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { return };
        if !pieces.iter().any(|piece| self.may_be(&chunk[piece.clone()])) {
            return;
        }
        let cjk = chunk.contains(is_cjk);
        let whole =
            &chunk[first.start..].trim_end_matches([',', ';', ':', '.', '!', '?', ')', ']', '"', '\'', '”', '’']);
        if !cjk && (pieces.len() > 1 || whole.len() > last.end - first.start) && whole.len() <= 100 {
            match self.reading(whole, pieces.len()) {
                Reading::Signed => return ranges.push(at + first.start..at + first.start + whole.len()),
                Reading::Word if pieces.len() > 1 => return ranges.push(at + first.start..at + last.end),
                _ => {}
            }
        }
        for piece in pieces {
            let word = &chunk[piece.clone()];
            if word.contains(is_cjk) {
                self.pairs(word, at + piece.start, ranges);
            } else if self.may_be(word) && self.reading(word, 1) != Reading::Other {
                ranges.push(at + piece.start..at + piece.end);
            }
        }
    }

    /// Whether a word begins as a word of the query does. Most do not, and reading them takes a hundred times as long.
    fn may_be(&self, word: &str) -> bool {
        let mut letters = word.bytes().map(|b| b.to_ascii_lowercase());
        match (letters.next(), letters.next()) {
            (Some(b'a' | b'o'), Some(b'e')) => true,
            (Some(first), _) => {
                self.firsts[usize::from(first)] || !word.is_ascii() || word.bytes().any(|b| b.is_ascii_digit())
            }
            (None, _) => false,
        }
    }

    /// What a word of so many pieces is; where it has several, as a whole.
    fn reading(&self, word: &str, pieces: usize) -> Reading {
        if let Some(reading) = self.read.borrow().get(word) {
            return *reading;
        }
        let words = self.analyzer.borrow_mut().read(word, Purpose::Text);
        let found = |word: &&Word| word.counts() && self.terms.contains(&word.term);
        let whole = |word: &Word| pieces == 1 || (word.form == Form::Joined && word.places >= pieces);
        let mut reading = Reading::Other;
        for word in words.iter().filter(found) {
            if word.form == Form::Sign {
                reading = Reading::Signed;
                break;
            }
            if whole(word) {
                reading = Reading::Word;
            }
        }
        let mut read = self.read.borrow_mut();
        if read.len() >= MAX_CACHED {
            read.clear();
        }
        read.insert(word.to_string(), reading);
        reading
    }

    /// Finds pairs of signs in Chinese, Japanese and Korean, and signs that were looked for alone.
    fn pairs(&self, word: &str, at: usize, ranges: &mut Vec<Range<usize>>) {
        let places: Vec<usize> = word.char_indices().map(|(place, _)| place).chain([word.len()]).collect();
        for k in 0..places.len() - 1 {
            let pair = places.get(k + 2).is_some_and(|end| self.terms.contains(&word[places[k]..*end]));
            let one = self.terms.contains(&word[places[k]..places[k + 1]]);
            let end = at + if pair { places[k + 2] } else { places[k + 1] };
            if !pair && !one {
                continue;
            }
            match ranges.last_mut() {
                Some(before) if before.end >= at + places[k] => before.end = before.end.max(end),
                _ => ranges.push(at + places[k]..end),
            }
        }
    }
}

/// The letters and digits without a break, with the accents behind them.
fn pieces(chunk: &str) -> impl Iterator<Item = Range<usize>> {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '\u{300}'..='\u{36f}');
    let mut from = 0;
    std::iter::from_fn(move || {
        let begin = from + chunk[from..].find(part)?;
        let end = chunk[begin..].find(|c| !part(c)).map_or(chunk.len(), |length| begin + length);
        from = end;
        Some(begin..end)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn marked(query: &str, text: &str) -> String {
        let mut out = text.to_string();
        for range in MatchedWords::of([query]).ranges(text).into_iter().rev() {
            out.replace_range(range.clone(), &format!("[{}]", &text[range]));
        }
        out
    }

    #[test]
    fn what_is_found_is_marked() {
        for (query, text, expected) in [
            (
                "graph network",
                "Networks of Graphs, and (graph)-like nets",
                "[Networks] of [Graphs], and ([graph])-like nets",
            ),
            ("colour", "A colorful colour, coloured", "A [colorful] [colour], [coloured]"),
            ("schrodinger", "On Schrödinger's cat", "On [Schrödinger]'s cat"),
            ("self-supervised", "Self-supervised, selfsupervised; self", "[Self-supervised], [selfsupervised]; [self]"),
            ("resnet50", "ResNet-50 and ResNet50", "[ResNet-50] and [ResNet50]"),
            ("c++", "C++, C and C#", "[C++], C and C#"),
            ("gpu", "GPUs or a GPU.", "[GPUs] or a [GPU]."),
            ("alpha", "α-stable", "[α]-stable"),
            ("co2", "CO₂ in air", "[CO₂] in air"),
            ("深度学习", "关于深度学习的综述", "关于[深度学习]的综述"),
            ("the of", "the end of it", "the end of it"),
            ("", "nothing", "nothing"),
        ] {
            assert_eq!(marked(query, text), expected, "{query}");
        }
    }

    proptest! {
        #[test]
        fn ranges_are_in_order_and_between_characters(query in "\\PC{0,20}", text in "\\PC{0,80}") {
            let mut end = 0;
            for range in MatchedWords::of([query.as_str(), text.get(..text.len() / 2).unwrap_or("a")]).ranges(&text) {
                prop_assert!(range.start >= end && range.start < range.end && text.get(range.clone()).is_some());
                end = range.end;
            }
        }
    }
}
