//! The identifiers of papers, read once, whatever form they came in.
//!
//! Three readers, each for texts that begin with what it reads: [`address`] (of arXiv, doi.org, publishers, PubMed and
//! others), [`label`] (`arXiv:`, `doi:`, `PMID` and others), and the bare ids of [`arxiv`], [`doi`] and [`others`]. What
//! stands around an identifier in lists, mails and mark-up is taken off in [`wrapping`].

mod address;
mod arxiv;
mod doi;
mod label;
mod others;
mod wrapping;

use std::collections::HashSet;

/// What names a work everywhere: an arXiv id, a DOI and the like, in the one form that all its spellings come to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identifier {
    key: String,
    version: Option<u32>,
}

/// The longest text that is read as one identifier, in bytes of UTF-8.
const LONGEST: usize = 4096;

/// The longest text in which an address names the work though words stand in front of it: a title, not an abstract.
const LONGEST_TITLE: usize = 300;

impl Identifier {
    /// Reads a text that names one work, whatever form it has; `None` for anything else.
    ///
    /// A form may have a bullet, a number, quotes or brackets around it, and behind it what people copy along: a class, a
    /// date, a title. In front of a whole address a title may stand as well. A second identifier makes the text name more than
    /// one work, and so none.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let text = wrapping::cleaned(text);
        let text = wrapping::undressed(&text);
        match at(text, Where::Alone).or_else(|| behind_a_word(text)) {
            Some(found) => found.names_alone_before(&text[found.len..]).then_some(found.identifier),
            None => behind_a_title(text),
        }
    }

    /// The identifiers that stand in a text, in its order, each once. A number alone is one only at the beginning of a line,
    /// or in brackets as in the title of a tab (`[2405.13729] A title`).
    pub fn all_in(text: &str) -> Vec<Self> {
        let mut all = IdentifierSet::default();
        for line in wrapping::cleaned(text).split('\n').flat_map(pieces) {
            let begin = wrapping::undressed(line);
            let mut rest = begin;
            // Numbers alone may follow each other.
            while let Some(found) = at(rest, Where::Alone).filter(|found| found.stands_before(&rest[found.len..])) {
                rest = &rest[found.len..];
                all.keep(found.identifier);
                match behind_a_comma(rest) {
                    Some(next) => rest = next,
                    None => break,
                }
            }
            // What was taken off in front may hold one as well: the text of a link, say.
            let front = &line[..line.len() - begin.len()];
            scan(front, &mut all);
            scan(rest, &mut all);
        }
        all.list
    }

    /// The work it names, as the keys of works are written: `arxiv:2405.13729`, `doi:10.1145/3292500`, `pmid:123`,
    /// `pmcid:123`, `corpusid:123`, `acl:2020.acl-main.1`, `openreview:Ab1_xyz` (the only one in which upper and lower case
    /// differ).
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The version it names, where it names one: 2 for `2405.13729v2`.
    pub fn version(&self) -> Option<u32> {
        self.version
    }

    /// Where the work can be read: at arxiv.org, doi.org and the like.
    pub fn url(&self) -> Option<String> {
        let (kind, id) = self.key.split_once(':')?;
        Some(match kind {
            "arxiv" => format!("https://arxiv.org/abs/{id}"),
            "doi" => format!("https://doi.org/{}", doi::in_an_address(id)),
            "pmid" => format!("https://pubmed.ncbi.nlm.nih.gov/{id}/"),
            "pmcid" => format!("https://pmc.ncbi.nlm.nih.gov/articles/PMC{id}/"),
            "corpusid" => format!("https://api.semanticscholar.org/CorpusID:{id}"),
            "acl" if id.contains('.') => format!("https://aclanthology.org/{id}/"),
            "acl" => format!("https://aclanthology.org/{}/", id.to_uppercase()),
            "openreview" => format!("https://openreview.net/forum?id={id}"),
            _ => return None,
        })
    }

    fn new(kind: &str, id: &str) -> Self {
        Identifier { key: format!("{kind}:{id}"), version: None }
    }

    fn of_version(self, version: Option<u32>) -> Self {
        Identifier { version, ..self }
    }
}

/// Where a text that is read stands.
#[derive(Clone, Copy, PartialEq)]
enum Where {
    /// It is the whole text, or begins a line.
    Alone,
    /// Words stand in front of it.
    Within,
}

/// An identifier at the beginning of a text.
struct PrefixMatch {
    identifier: Identifier,
    /// Bytes of the text that belong to it.
    len: usize,
    /// Whether it cannot be anything else; a number alone could be.
    sure: bool,
}

impl PrefixMatch {
    fn sure(identifier: Identifier, len: usize) -> Self {
        PrefixMatch { identifier, len, sure: true }
    }

    /// Whether it is one when the text goes on like this. Behind a number alone stands a class, a file's ending, what closes
    /// a quote, the next of a list, or a title, if the number has the length that ids have today.
    fn stands_before(&self, rest: &str) -> bool {
        let rest = rest.trim_end();
        let told = rest.is_empty() || rest.starts_with(|c: char| "[()]}>\"'`*,.;!?”’»›".contains(c));
        let apart = || rest.starts_with([' ', '\t', ':', '|', '/']) && arxiv::is_of_today(&self.identifier);
        self.sure || told || behind_a_comma(rest).is_some() || apart()
    }

    /// Whether a text that begins with it and goes on like this names its work and nothing else.
    fn names_alone_before(&self, rest: &str) -> bool {
        let mut others = IdentifierSet::default();
        scan(rest, &mut others);
        let same = others.list.iter().all(|other| other.key == self.identifier.key);
        self.stands_before(rest) && same && (self.sure || behind_a_comma(rest).is_none())
    }
}

/// The identifier that a text begins with.
fn at(text: &str, place: Where) -> Option<PrefixMatch> {
    let first = text.chars().next()?;
    if first == '[' {
        return in_brackets(text);
    }
    if !(first.is_ascii_alphanumeric() || first == '/') {
        return None;
    }
    let by_archive = || arxiv::old(text, true).map(|(identifier, len)| PrefixMatch::sure(identifier, len));
    let by_address = || address::read(text).map(|(identifier, len)| PrefixMatch::sure(identifier, len));
    let by_label = || label::read(text).map(|(identifier, len)| PrefixMatch::sure(identifier, len));
    let by_doi = || doi::read(text).map(|(identifier, len)| PrefixMatch::sure(identifier, len));
    let by_number = || {
        let (identifier, len) = (place == Where::Alone).then(|| arxiv::new(text)).flatten()?;
        Some(PrefixMatch { identifier, len, sure: false })
    };
    let other =
        || others::bare(text, place == Where::Alone).map(|(identifier, len)| PrefixMatch::sure(identifier, len));
    by_archive().or_else(by_address).or_else(by_label).or_else(by_doi).or_else(by_number).or_else(other)
}

/// `[2405.13729] A title`, as a tab of arXiv says.
fn in_brackets(text: &str) -> Option<PrefixMatch> {
    // No id is as long as this, and what looks for an end looks no further.
    let inner = head(text.strip_prefix('[')?, 64);
    let inner = inner.split_once(']')?.0;
    let (identifier, len) = arxiv::new(inner.trim()).or_else(|| arxiv::old(inner.trim(), true))?;
    let whole = len == inner.trim().len() && text.len() > inner.len() + 1;
    whole.then(|| PrefixMatch::sure(identifier, inner.len() + 2))
}

/// `Cite as: arXiv:2405.13729`, `url = {https://arxiv.org/abs/2405.13729}`: a word or two that say what comes.
fn behind_a_word(text: &str) -> Option<PrefixMatch> {
    let (word, _) = text.split_once([':', '='])?;
    if word.len() > 24 || !word.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '-' | '_')) {
        return None;
    }
    let rest = wrapping::undressed(&text[word.len() + 1..]);
    let found = at(rest, Where::Within)?;
    Some(PrefixMatch { len: text.len() - rest.len() + found.len, ..found })
}

/// What follows in a list of numbers, where another number does.
fn behind_a_comma(text: &str) -> Option<&str> {
    let next = text.trim_start_matches([' ', '\t', ',', ';', '|', '&']);
    (next.len() < text.len() && arxiv::new(next).is_some()).then_some(next)
}

/// The one work that a line names by an address behind its title.
fn behind_a_title(text: &str) -> Option<Identifier> {
    if text.len() > LONGEST_TITLE || !text.contains("://") || text.trim().contains('\n') {
        return None;
    }
    let mut all = IdentifierSet::default();
    scan(text, &mut all);
    if all.list.len() == 1 { all.list.pop() } else { None }
}

/// Adds the identifiers that stand in a text of one line.
fn scan(text: &str, all: &mut IdentifierSet) {
    let mut before = ' ';
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let begins = !(before.is_alphanumeric() || matches!(before, '.' | '_' | '-' | '@'));
        if begins {
            if let Some(found) = at(rest, Where::Within) {
                let (taken, left) = rest.split_at(found.len);
                before = taken.chars().next_back().unwrap_or(' ');
                rest = left;
                all.keep(found.identifier);
                continue;
            }
            // An address that names no work is no place to look for numbers.
            if let Some(len) = address::length(rest) {
                (before, rest) = (' ', &rest[len..]);
                continue;
            }
        }
        before = first;
        rest = &rest[first.len_utf8()..];
    }
}

/// Identifiers in the order in which they were found, each once.
#[derive(Default)]
struct IdentifierSet {
    list: Vec<Identifier>,
    /// The same, once there are many.
    known: HashSet<Identifier>,
}

/// Up to so many a look at each is quick.
const FEW: usize = 16;

impl IdentifierSet {
    fn keep(&mut self, found: Identifier) {
        if self.list.len() == FEW && self.known.is_empty() {
            self.known.extend(self.list.iter().cloned());
        }
        let new = if self.list.len() < FEW { !self.list.contains(&found) } else { self.known.insert(found.clone()) };
        if new {
            self.list.push(found);
        }
    }
}

/// A line, or where it is longer than an identifier may be the pieces of it between two blanks.
fn pieces(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let whole = rest.take()?;
        if whole.len() <= LONGEST {
            return Some(whole);
        }
        let begin = head(whole, LONGEST);
        let end = begin.rfind(char::is_whitespace).filter(|end| *end > 0).unwrap_or(begin.len());
        rest = Some(&whole[end..]);
        Some(&whole[..end])
    })
}

/// The first so many bytes, or a little less.
fn head(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

#[cfg(test)]
mod tests;
