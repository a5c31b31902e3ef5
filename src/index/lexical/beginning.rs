//! What a text that is being typed may go on as: the papers whose titles, or whose authors' names, hold its words and one more that
//! begins as its last does.

use std::collections::{BTreeSet, HashMap};

use roaring::RoaringBitmap;
use tantivy::Term;
use tantivy::query::{BooleanQuery, Occur, Query as TantivyQuery, TermQuery};
use tantivy::schema::{Field, IndexRecordOption};

use super::Lexical;
use super::analyzer::{Analyzer, Form, Purpose, Word};
use super::inverted::{View, explain};
use super::query::name_forms;
use super::spelling::american;
use crate::error::{Error, Result};

/// Letters of a word from which on it is looked for as a beginning.
const LETTERS: usize = 2;

/// Words that a beginning may stand for: those of most papers.
const WORDS: usize = 64;

/// Terms of a segment that are looked at for a beginning.
const LOOKED_AT: usize = 20_000;

impl View {
    /// The terms of a field that begin so, those of most papers first; at most so many. Of very many the first by the alphabet are
    /// looked at.
    pub fn beginning(&self, field: Field, begin: &str, most: usize) -> Result<Vec<String>> {
        let unreadable = |e: std::io::Error| Error::Internal(format!("the index of words: {e}"));
        let mut found: HashMap<String, u64> = HashMap::new();
        for reader in self.searcher.segment_readers() {
            let inverted = reader.inverted_index(field).map_err(explain)?;
            let mut terms = inverted.terms().range().ge(begin.as_bytes()).into_stream().map_err(unreadable)?;
            let mut looked = 0;
            while looked < LOOKED_AT && terms.advance() {
                looked += 1;
                if !terms.key().starts_with(begin.as_bytes()) {
                    break;
                }
                let Ok(term) = std::str::from_utf8(terms.key()) else { continue };
                let papers = u64::from(terms.value().doc_freq);
                match found.get_mut(term) {
                    Some(n) => *n += papers,
                    None => drop(found.insert(term.to_string(), papers)),
                }
            }
        }
        let mut found: Vec<(String, u64)> = found.into_iter().collect();
        found.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Ok(found.into_iter().take(most).map(|(term, _)| term).collect())
    }
}

/// A text on its way.
struct Typed {
    /// Its words but the last, in their order.
    whole: Vec<Word>,
    /// The last, where it may go on and is long enough to say how.
    last: Option<Word>,
}

impl Typed {
    /// Reads a text; none where it says too little to go by.
    fn read(text: &str) -> Option<Self> {
        let read = Analyzer::default().read(text, Purpose::Query);
        let mut whole: Vec<Word> =
            read.into_iter().filter(|w| matches!(w.form, Form::Alone | Form::Function)).collect();
        whole.sort_by_key(|w| w.position);
        let goes_on = text.ends_with(char::is_alphanumeric);
        let last = goes_on.then(|| whole.pop()).flatten();
        let last = last.filter(|w| beginning(w).chars().count() >= LETTERS);
        (last.is_some() || whole.iter().any(|w| w.form == Form::Alone)).then_some(Typed { whole, last })
    }
}

/// A word as it begins others.
fn beginning(word: &Word) -> String {
    if word.whole.is_empty() { word.surface.to_lowercase() } else { word.whole.clone() }
}

impl Lexical {
    /// The rows of papers whose titles hold the words of a text, of the last one more that begins so.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] when the index cannot be read.
    pub fn titles_beginning(&self, text: &str) -> Result<RoaringBitmap> {
        let Some(typed) = Typed::read(text) else { return Ok(RoaringBitmap::new()) };
        let (view, fields) = (self.inverted().view(), &self.fields);
        let alone = typed.whole.iter().filter(|w| w.form == Form::Alone);
        let mut all: Vec<BTreeSet<String>> = alone.map(|w| BTreeSet::from([w.term.clone()])).collect();
        // A function word that ends here stands in no index: only where nothing else is there it begins another.
        if let Some(last) = typed.last.as_ref().filter(|last| last.form == Form::Alone || all.is_empty()) {
            let begin = beginning(last);
            // Terms are stems, and `optimi` begins none of `optim`: words as they are written say which stems are meant.
            let mut terms: BTreeSet<String> = view.beginning(fields.title, &begin, WORDS)?.into_iter().collect();
            let mut written = view.beginning(fields.whole, &begin, WORDS)?;
            let spelled = american(&begin);
            if *spelled != *begin {
                written.extend(view.beginning(fields.whole, &spelled, WORDS)?);
            }
            let mut analyzer = Analyzer::default();
            for word in written {
                let stems = analyzer.read(&word, Purpose::Text).into_iter().filter(|w| w.form == Form::Alone);
                terms.extend(stems.map(|w| w.term));
            }
            all.push(terms);
        }
        Ok(view.all(&each_of(fields.title, all))? & &self.state().live)
    }

    /// The rows of papers by somebody whose name holds the words of a text, of the last one more that begins so.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] when the index cannot be read.
    pub fn authors_beginning(&self, text: &str) -> Result<RoaringBitmap> {
        let Some(typed) = Typed::read(text) else { return Ok(RoaringBitmap::new()) };
        let (view, author) = (self.inverted().view(), self.fields.author);
        // A letter alone is an initial, of which names have many.
        let names = typed.whole.iter().filter(|w| w.whole.chars().count() >= LETTERS);
        let mut all: Vec<BTreeSet<String>> = names.map(|w| name_forms(w).into_iter().collect()).collect();
        if let Some(last) = typed.last.as_ref().filter(|w| !w.whole.is_empty()) {
            all.push(view.beginning(author, &last.whole, WORDS)?.into_iter().collect());
        }
        if all.is_empty() {
            return Ok(RoaringBitmap::new());
        }
        Ok(view.all(&each_of(author, all))? & &self.state().live)
    }
}

/// What holds one term of each set.
fn each_of(field: Field, all: Vec<BTreeSet<String>>) -> BooleanQuery {
    let term = |text: String| -> (Occur, Box<dyn TantivyQuery>) {
        let term = Term::from_field_text(field, &text);
        (Occur::Should, Box::new(TermQuery::new(term, IndexRecordOption::Basic)))
    };
    let any = |terms: BTreeSet<String>| -> (Occur, Box<dyn TantivyQuery>) {
        (Occur::Must, Box::new(BooleanQuery::new(terms.into_iter().map(term).collect())))
    };
    BooleanQuery::new(all.into_iter().map(any).collect())
}
