//! What of a library a query finds: in the corpus as a search does, outside of it by the same arithmetic, and by what its reader
//! wrote.

use std::collections::{HashMap, HashSet};

use roaring::RoaringBitmap;

use super::Entry;
use crate::engine::answer::Mode;
use crate::engine::corpus::Candidate;
use crate::engine::readers::Readers;
use crate::error::Result;
use crate::index::dot;
use crate::paper::{Paper, PaperId, Row, unaccented};

/// Words of a query that are looked for outside the corpus and in notes.
const WORDS: usize = 64;

impl Readers {
    /// The entries that a query finds, with their scores, in the order in which they come.
    ///
    /// A paper of the corpus is found as [`found_among`](crate::engine::corpus::Corpus::found_among) says. One from outside has the
    /// same parts of a score: the cosine of its vector, and in place of the words' worth the share of the words that begin one of its own. Whose
    /// note, or whose text outside the corpus, holds all words of the query is found in any case, but in `dense`. A query with
    /// conditions finds papers of the corpus alone: neither notes nor papers outside can be held to them.
    pub(super) fn found_of(
        &self,
        user: i64,
        query: &str,
        mode: Mode,
        entries: Vec<Entry>,
        outside: &HashMap<PaperId, Paper>,
    ) -> Result<Vec<(Entry, Option<f32>)>> {
        let space = self.corpus.space();
        let rows: RoaringBitmap = entries.iter().filter_map(|entry| entry.row).map(|row| row.0).collect();
        let among = self.corpus.found_among(&space, query, mode, &rows)?;
        let of_corpus: HashMap<Row, Candidate> = among.found.iter().map(|found| (found.row, *found)).collect();
        let words = if among.plain { Words::of(query) } else { Words(Vec::new()) };
        let mut noted: HashSet<PaperId> = HashSet::new();
        if mode != Mode::Dense && !words.0.is_empty() {
            self.store.each_note(user, &mut |note| {
                if words.held_by(&note.text) == 1.0 {
                    noted.insert(note.paper);
                }
            })?;
        }
        let elsewhere: Vec<&Paper> =
            entries.iter().filter(|entry| entry.row.is_none()).filter_map(|entry| outside.get(&entry.paper)).collect();
        let by_meaning = among.plain && !among.vector.is_empty();
        let vectors = match by_meaning {
            true => self.store.known_vectors(space.model(), &elsewhere)?,
            false => vec![None; elsewhere.len()],
        };
        let mut of_others: HashMap<&PaperId, f32> = HashMap::new();
        for (paper, vector) in elsewhere.into_iter().zip(vectors) {
            let meaning = vector.map_or(0.0, |vector| dot(&among.vector, &vector));
            let held = if mode == Mode::Dense { 0.0 } else { words.held_by(&text_of(paper)) };
            let score = (1.0 - among.share) * meaning + among.share * held;
            if held == 1.0 || (by_meaning && score >= among.bar) {
                of_others.insert(&paper.id, score);
            }
        }
        let found = |entry: Entry| {
            let found = entry.row.and_then(|row| of_corpus.get(&row));
            let score = found.map(|found| found.score).or_else(|| of_others.get(&entry.paper).copied());
            // A note that holds the words is worth as much as a paper that does.
            let whole = noted.contains(&entry.paper).then(|| {
                let meaning = found.map_or(0.0, |found| found.meaning);
                meaning + among.share
            });
            let score = match (score, whole) {
                (None, None) => return None,
                (score, whole) => score.unwrap_or(f32::MIN).max(whole.unwrap_or(f32::MIN)),
            };
            Some((entry, Some(score)))
        };
        Ok(entries.into_iter().filter_map(found).collect())
    }
}

/// What of a paper words are looked for in.
fn text_of(paper: &Paper) -> String {
    let mut text = paper.text();
    for more in paper.authors.iter().chain(&paper.keywords).chain(&paper.venue) {
        text.push(' ');
        text.push_str(more);
    }
    text
}

/// The words of a query as they are looked for in texts that no index knows.
struct Words(Vec<String>);

impl Words {
    fn of(query: &str) -> Self {
        let query = unaccented(query);
        let mut words: Vec<String> = Vec::new();
        for word in query.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).take(WORDS) {
            if !words.iter().any(|known| known == word) {
                words.push(word.to_string());
            }
        }
        Words(words)
    }

    /// The share of the words that a text holds, each as the beginning of one of its own; in a writing without blanks anywhere.
    fn held_by(&self, text: &str) -> f32 {
        if self.0.is_empty() {
            return 0.0;
        }
        let text = unaccented(text);
        let own: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
        let is_held = |word: &&String| {
            own.iter().any(|other| other.starts_with(word.as_str()))
                || (!word.is_ascii() && text.contains(word.as_str()))
        };
        self.0.iter().filter(is_held).count() as f32 / self.0.len() as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_held_as_they_are_typed() {
        let held = |query: &str, text: &str| Words::of(query).held_by(text);
        assert_eq!(held("Krill counts", "counts of krill"), 1.0);
        assert_eq!(held("krill whales", "Krill, counted"), 0.5);
        assert_eq!(held("kri", "Krill"), 1.0, "as it is typed");
        assert_eq!(held("rill", "Krill"), 0.0);
        assert_eq!(held("Ångström müller", "by Muller, in angstrom"), 1.0);
        assert_eq!(held("鯨", "大きな鯨の歌"), 1.0);
        assert_eq!(held("\"?! ", "anything"), 0.0);
        assert_eq!(held("<script>", "no script here"), 1.0);
    }
}
