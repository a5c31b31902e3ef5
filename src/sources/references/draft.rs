//! What is gathered of an entry, in whatever format, until it is a reference.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::engine::Reference;
use crate::paper::bounds::{MAX_AUTHORS, MAX_TITLE};
use crate::paper::{Identifier, LeftOut, Paper, PaperId};
use crate::user::Moment;

/// An entry on its way to a reference: set what the format says, then [`Draft::finish`].
#[derive(Debug, Default)]
pub struct Draft {
    /// The title; blank for none.
    pub title: String,
    /// The abstract; may be blank.
    pub summary: String,
    /// Full names, given names first.
    pub authors: Vec<String>,
    /// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    pub date: Option<String>,
    /// Journal, conference or series; may be blank.
    pub venue: String,
    /// Free terms; blank ones are left out.
    pub keywords: Vec<String>,
    /// Subject classes; blank ones are left out.
    pub categories: Vec<String>,
    /// Where it can be read; counts where it is an address of the web.
    pub url: String,
    /// Whether it is said to be taken back.
    pub retracted: bool,
    /// The id that it is given, where a list gives papers ids; it counts more than what they are called.
    pub id: Option<String>,
    /// More fields of a paper, by their names.
    pub more: Map<String, Value>,
    /// When it came into the list.
    pub added: Option<Moment>,
    /// What it is called; the methods of the draft fill it.
    pub names: Names,
}

/// Ids, DOIs and addresses of one paper.
#[derive(Debug, Default)]
pub struct Names {
    list: Vec<String>,
    /// Whether they are enough, though they be no known identifiers.
    own: bool,
}

/// How many names one entry can have; no paper has more.
const MOST_NAMES: usize = 32;

/// How much of a remark is looked at.
const REMARK: usize = 2000;

/// Words beside an identifier that say nothing of another paper.
const NEUTRAL: &[&str] = &[
    "a",
    "also",
    "archive",
    "arxiv",
    "as",
    "at",
    "available",
    "doi",
    "e-print",
    "e-prints",
    "eprint",
    "from",
    "http",
    "https",
    "id",
    "identifier",
    "in",
    "number",
    "on",
    "online",
    "pmc",
    "pmcid",
    "pmid",
    "preprint",
    "the",
    "url",
    "version",
];

impl Draft {
    /// Takes a field that is meant to hold a name of the paper: an id, a DOI, an address. What is no known identifier is
    /// kept as it stands, for the corpus may call a paper by it.
    pub fn name(&mut self, text: &str) {
        let text = text.trim();
        if let Some(found) = Identifier::parse(text) {
            return self.identifier(&found);
        }
        let found = identifiers(text);
        if found.is_empty() {
            self.push(spaced(text));
        }
        found.iter().for_each(|found| self.identifier(found));
    }

    /// Takes what can only be the id of a paper in the corpus: that is enough for a reference.
    pub fn own_id(&mut self, text: &str) {
        self.name(text);
        self.names.own = true;
    }

    /// Takes Zotero's free field: lines such as `DOI: 10.1000/x`, and remarks.
    pub fn extra(&mut self, text: &str) {
        for line in head(text, REMARK).lines() {
            let (word, value) = line.split_once(':').unwrap_or(("", line));
            match word.trim().to_lowercase().as_str() {
                "doi" => self.doi(value),
                "arxiv" | "arxiv id" => self.arxiv(value),
                kind @ ("pmid" | "pmcid") => self.pubmed(kind, value),
                _ => self.remark(line),
            }
        }
    }

    /// Takes an identifier where a field holds nothing else; anything else it holds is no name.
    pub fn identifier_in(&mut self, text: &str) {
        if let Some(found) = Identifier::parse(text.trim()) {
            self.identifier(&found);
        }
    }

    /// Takes a DOI, however it is written.
    pub fn doi(&mut self, text: &str) {
        let text = text.trim();
        // A line may have ended in the middle of it.
        let joined = || Identifier::parse(&text.split_whitespace().collect::<String>());
        match Identifier::parse(text).or_else(|| identifiers(text).into_iter().next()).or_else(joined) {
            Some(found) => self.identifier(&found),
            // Not registered anywhere, and a name all the same.
            None if !text.is_empty() => self.push(format!("doi:{}", spaced(text))),
            None => {}
        }
    }

    /// Takes an arXiv id, with the archive in front of it or not.
    pub fn arxiv(&mut self, text: &str) {
        let text = text.trim().trim_start_matches("abs/");
        let found = [text.to_string(), format!("arxiv:{text}")];
        let found = found.iter().filter_map(|text| Identifier::parse(text)).find(is_arxiv);
        match found.or_else(|| identifiers(text).into_iter().find(is_arxiv)) {
            Some(found) => self.identifier(&found),
            None if !text.is_empty() => self.push(spaced(text)),
            None => {}
        }
    }

    /// Takes a number of PubMed (`pmid`) or PubMed Central (`pmcid`).
    pub fn pubmed(&mut self, kind: &str, text: &str) {
        let digits: String =
            text.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
        if digits.is_empty() {
            return;
        }
        let name = if kind == "pmcid" { format!("pmcid:PMC{digits}") } else { format!("{kind}:{digits}") };
        match Identifier::parse(&name) {
            Some(found) => self.identifier(&found),
            None => self.push(format!("{kind}:{digits}")),
        }
    }

    /// Takes a free remark, as far as it names the paper itself: `arXiv:2405.13729 [cs.CL]`, and not
    /// `a reply to 10.1000/x`. So a part of it counts that holds little beside an identifier.
    pub fn remark(&mut self, text: &str) {
        let text = head(text, REMARK);
        let parts = ["\n", "; ", ", ", ". ", " | ", "Comment:"].iter().fold(vec![text], |parts, sign| {
            parts.into_iter().flat_map(|part| part.split(sign).collect::<Vec<_>>()).collect()
        });
        for part in parts {
            let found = identifiers(part);
            let mut bracket = false;
            let only = !found.is_empty()
                && part.split_whitespace().all(|word| {
                    bracket |= word.starts_with(['[', '(']);
                    let known = bracket || known(word);
                    bracket &= !word.ends_with([']', ')']);
                    known
                });
            if only {
                found.iter().for_each(|found| self.identifier(found));
            }
        }
    }

    /// Takes an arXiv id from where the journal stands (`arXiv preprint arXiv:2405.13729`), or, where the journal is arXiv
    /// or CoRR, from volume, number or pages (`abs/2405.13729`).
    pub fn journal(&mut self, journal: &str, places: &[String]) {
        if self.venue.is_empty() {
            self.venue = journal.to_string();
        }
        let said = journal.to_lowercase();
        let preprint =
            said.contains("arxiv") || said == "corr" || said.starts_with("corr ") || said.starts_with("corr,");
        for text in std::iter::once(journal).filter(|_| preprint).chain(places.iter().map(String::as_str)) {
            let words = head(text, REMARK).split_whitespace().filter(|word| {
                let said = word.to_lowercase();
                preprint || said.starts_with("abs/") || said.starts_with("arxiv:")
            });
            for word in words {
                let word = word.trim_matches([',', ';', '(', ')', '[', ']']);
                let word = word.strip_prefix("abs/").unwrap_or(word);
                if let Some(found) = Identifier::parse(word).filter(is_arxiv) {
                    self.identifier(&found);
                }
            }
        }
    }

    /// Takes what was recognised already.
    pub fn identifier(&mut self, found: &Identifier) {
        let version = found.version().filter(|_| is_arxiv(found)).map_or_else(String::new, |v| format!("v{v}"));
        self.push(format!("{}{version}", found.key()));
    }

    fn push(&mut self, name: String) {
        let fits = (1..=LONGEST).contains(&name.len()) && self.names.list.len() < MOST_NAMES;
        if fits && !self.names.list.contains(&name) {
            self.names.list.push(name);
        }
    }

    /// Whether anything names it so far.
    pub fn is_named(&self) -> bool {
        !self.names.list.is_empty()
    }

    /// The reference; nothing for an entry with neither a title nor a name.
    pub fn finish(self) -> Option<Reference> {
        let mut paper = Map::new();
        let mut left_out = Vec::new();
        let mut title = spaced(&self.title);
        let known: Vec<String> =
            self.names.list.iter().filter_map(|n| Some(Identifier::parse(n)?.key().to_string())).collect();
        let mut refused = None;
        if title.len() > MAX_TITLE {
            let reason = format!("its title is {} bytes long; at most {MAX_TITLE} are allowed", title.len());
            // By its identifier it is known all the same.
            if known.is_empty() {
                title.truncate(title.floor_char_boundary(MAX_TITLE));
                refused = Some(reason);
            } else {
                title.clear();
                left_out.push(LeftOut { field: "title", reason });
            }
        }
        let given = self.id.filter(|id| !id.trim().is_empty()).map(|id| id.trim().to_string());
        let id = match given.as_ref().or_else(|| known.first()) {
            Some(key) => key.clone(),
            None if !title.is_empty() => {
                format!("text:{}", &blake3::hash(title.to_lowercase().as_bytes()).to_hex().as_str()[..24])
            }
            // Its first name that a paper can have: an address, or what is said to be an id.
            None => {
                let fits = |n: &&String| (self.names.own || n.contains("://")) && PaperId::new(n.as_str()).is_ok();
                self.names.list.iter().find(fits)?.clone()
            }
        };
        let titled = !title.is_empty();
        paper.insert("id".into(), id.clone().into());
        paper.insert("title".into(), if titled { title } else { id.clone() }.into());
        let authors = self.authors.iter().take(MAX_AUTHORS).map(|a| spaced(a)).filter(|a| !a.is_empty());
        let authors: Vec<String> = authors.collect();
        if self.authors.len() > MAX_AUTHORS {
            let reason = format!("there are {}; the first {MAX_AUTHORS} are kept", self.authors.len());
            left_out.push(LeftOut { field: "authors", reason });
        }
        paper.insert("authors".into(), json!(authors));
        let rest = [("abstract", spaced(&self.summary)), ("venue", spaced(&self.venue))];
        paper.extend(rest.into_iter().filter(|(_, v)| !v.is_empty()).map(|(name, v)| (name.into(), v.into())));
        for (field, texts) in [("keywords", self.keywords), ("categories", self.categories)] {
            let texts: Vec<String> = texts.iter().map(|text| spaced(text)).filter(|text| !text.is_empty()).collect();
            if !texts.is_empty() {
                paper.insert(field.into(), json!(texts));
            }
        }
        let url = self.url.split_whitespace().next().unwrap_or_default();
        if url.starts_with("http://") || url.starts_with("https://") {
            paper.insert("url".into(), url.into());
        }
        if self.retracted {
            paper.insert("status".into(), "retracted".into());
        }
        paper.extend(self.more);
        paper.extend(self.date.map(|date| ("date".into(), date.into())));
        // The work is known by each of its names, whichever became its id.
        for (field, prefix) in [("doi", "doi:"), ("arxiv_id", "arxiv:")] {
            if let Some(key) = known.iter().find(|key| key.starts_with(prefix) && **key != id) {
                let value = if prefix == "doi:" { key.trim_start_matches(prefix) } else { key };
                paper.insert(field.into(), value.into());
            }
        }
        // What other programs call a date is often none; nothing here depends on it.
        let (names, added) = (self.names.list, self.added);
        let (paper, told) = match Paper::read(Value::Object(paper)) {
            Ok(read) => read,
            // A given id that no paper can have is not replaced by another one in silence.
            Err(e) if given.is_some() && refused.is_none() => {
                let paper = Paper::read(json!({ "id": "none", "title": "none" })).ok()?.0;
                return Some(Reference {
                    paper,
                    names,
                    titled,
                    added,
                    line: 0,
                    key: None,
                    left_out,
                    refused: Some(e.to_string()),
                });
            }
            Err(_) => return None,
        };
        left_out.extend(told.into_iter().filter(|told| told.field != "date"));
        Some(Reference { paper, names, titled, added, line: 0, key: None, left_out, refused })
    }
}

fn is_arxiv(found: &Identifier) -> bool {
    found.key().starts_with("arxiv:")
}

fn known(word: &str) -> bool {
    let bare = word.trim_matches(|c: char| c.is_ascii_punctuation()).to_lowercase();
    bare.is_empty()
        || NEUTRAL.contains(&bare.as_str())
        || bare.bytes().all(|b| b.is_ascii_digit())
        || Identifier::parse(word).is_some()
        || Identifier::parse(bare.trim_start_matches("abs/")).is_some()
}

/// How long a text may be in which identifiers are looked for wherever they stand, in bytes.
const LONGEST: usize = 4096;

/// The identifiers in a text, each once. In a very long one they stand apart, by blanks, commas or semicolons.
pub fn identifiers(text: &str) -> Vec<Identifier> {
    if text.len() <= LONGEST {
        return Identifier::all_in(text);
    }
    let words = text.split(|c: char| c.is_whitespace() || c == ',' || c == ';');
    let mut seen = HashSet::new();
    words.filter_map(Identifier::parse).filter(|found| seen.insert(found.clone())).collect()
}

/// The first so many bytes, or a little less.
pub fn head(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// A text with single blanks and without control characters.
pub fn spaced(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        let before = out.len();
        out.extend(word.chars().filter(|c| !c.is_control() && *c != '\u{feff}'));
        if before > 0 && out.len() > before {
            out.insert(before, ' ');
        }
    }
    out
}

/// The moment that a program wrote down: a time, or at least its day.
pub fn moment(text: &str) -> Option<Moment> {
    let text = text.trim();
    let day = || super::date::day(text).filter(|day| day.len() == 10).and_then(|day| Moment::parse(&day).ok());
    Moment::parse(text).ok().or_else(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(take: impl Fn(&mut Draft)) -> Vec<String> {
        let mut draft = Draft::default();
        take(&mut draft);
        draft.names.list
    }

    #[test]
    fn a_remark_names_the_paper_or_another_one() {
        for text in [
            "arXiv:2405.13729 [cs.CL]",
            "12 pages, 3 figures, arXiv: 2405.13729 [cs]",
            "also available as arXiv:2405.13729",
            "arXiv:2405.13729 [cs, stat] Comment: Accepted at a workshop; see 10.1000/x",
            "Publisher: arXiv; arXiv:2405.13729",
        ] {
            assert_eq!(named(|d| d.remark(text)), ["arxiv:2405.13729"], "{text}");
        }
        for text in
            ["A reply to arXiv:2405.13729", "Erratum: 10.1000/x", "see also https://arxiv.org/abs/2405.13729", ""]
        {
            assert_eq!(named(|d| d.remark(text)), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn an_id_in_place_of_a_journal_is_found() {
        let of = |journal: &str, place: &str| named(|d| d.journal(journal, &[place.to_string()]));
        assert_eq!(of("arXiv preprint arXiv:2405.13729", ""), ["arxiv:2405.13729"]);
        assert_eq!(of("CoRR", "abs/2405.13729"), ["arxiv:2405.13729"]);
        assert_eq!(of("ArXiv", "abs/2405.13729"), ["arxiv:2405.13729"]);
        assert_eq!(of("ArXiv e-prints", "2405.13729"), ["arxiv:2405.13729"]);
        assert_eq!(of("", "arXiv:2405.13729v2"), ["arxiv:2405.13729v2"]);
        assert_eq!(of("J. of Things", "2405.13729"), Vec::<String>::new());
    }

    #[test]
    fn a_draft_without_title_or_name_is_none() {
        assert!(Draft::default().finish().is_none());
        let mut draft = Draft { title: " On\u{7} \n Things ".into(), ..Draft::default() };
        draft.date = Some("none".into());
        draft.doi("10.1000/A");
        draft.name("2405.13729v2");
        let reference = draft.finish().expect("a reference");
        assert_eq!((reference.paper.title.as_str(), reference.titled), ("On Things", true));
        assert_eq!(reference.names, ["doi:10.1000/a", "arxiv:2405.13729v2"]);
        assert_eq!(reference.paper.work_keys().iter().filter(|k| k.starts_with("arxiv:")).count(), 1);
    }
}
