//! BibTeX and BibLaTeX. The parser gives up at the first mistake; a list with one is read entry by entry, so that it costs
//! the entry and not the list. And the parser follows abbreviations, braces and entries that refer to each other as far as they
//! lead, which may be for ever: so these are looked at first.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use biblatex::{Bibliography, ChunksExt, Entry, EntryType, Pair, ParseErrorKind, RawBibliography, RawChunk, RawEntry};

use super::{moment, reference, spaced};
use crate::engine::{Reference, ReferenceList};
use crate::paper::identifier_key;

/// Reads the entries of a list.
pub fn bibtex(text: &str) -> ReferenceList {
    let (mut at, mut line) = (0, 1);
    let mut list = ReferenceList::default();
    for (start, read) in whole(text).unwrap_or_else(|| one_by_one(text)) {
        line += text.as_bytes()[at..start].iter().filter(|b| **b == b'\n').count();
        at = start;
        match read {
            // They hold fields of other entries, or name them.
            Ok(entry) if matches!(entry.entry_type, EntryType::XData | EntryType::Set) => {}
            Ok(entry) => list.add(line, Some(&entry.key), reference_of(&entry)),
            Err((key, reason)) => list.reject(line, key, format!("this is no BibTeX: {reason}")),
        }
    }
    list
}

/// Where an entry begins, and the entry, or its key and what is wrong with it.
type Read<'a> = (usize, Result<Entry, (Option<&'a str>, String)>);

/// All entries; none when anything is wrong.
fn whole(text: &str) -> Option<Vec<Read<'_>>> {
    let mut raw = RawBibliography::parse(text).ok()?;
    let mut abbreviations = Abbreviations::new(text);
    abbreviations.add(raw.abbreviations.iter().cloned());
    for entry in &mut raw.entries {
        stand_alone(&mut entry.v);
        abbreviations.of(&entry.v).ok()?;
    }
    let starts: Vec<usize> = raw.entries.iter().map(|entry| entry.span.start).collect();
    let entries = Bibliography::from_raw(raw).ok()?.into_vec();
    Some(starts.into_iter().zip(entries.into_iter().map(Ok)).collect())
}

/// Drops what an entry takes from others, and its further keys: that is mostly where it appeared, and entries may refer to
/// each other in circles.
fn stand_alone(entry: &mut RawEntry<'_>) {
    let refers = |name: &str| ["crossref", "xdata", "ids"].iter().any(|field| name.eq_ignore_ascii_case(field));
    entry.fields.retain(|field| !refers(field.key.v));
}

/// Each entry for itself, with the abbreviations of all, in the order of the text.
fn one_by_one(text: &str) -> Vec<Read<'_>> {
    let mut out: Vec<Read<'_>> = Vec::new();
    let (mut abbreviations, mut entries) = (Abbreviations::new(text), Vec::new());
    for span in spans(text) {
        let piece = &text[span.clone()];
        match RawBibliography::parse(piece) {
            Ok(raw) => {
                abbreviations.add(raw.abbreviations.into_iter());
                entries.extend(raw.entries.into_iter().map(|entry| (span.start, entry)));
            }
            Err(e) => {
                let key = piece.split_once(['{', '(']).and_then(|(_, rest)| rest.split_once(','));
                let key = key.map(|(key, _)| key.trim()).filter(|key| !key.contains(char::is_whitespace));
                out.push((span.start, Err((key, told(&e.kind)))));
            }
        }
    }
    for (start, mut entry) in entries {
        let key = entry.v.key.v;
        stand_alone(&mut entry.v);
        let abbreviations = match abbreviations.of(&entry.v) {
            Ok(abbreviations) => abbreviations,
            Err(why) => {
                out.push((start, Err((Some(key), why.into()))));
                continue;
            }
        };
        let raw = RawBibliography { preamble: String::new(), entries: vec![entry], abbreviations };
        match Bibliography::from_raw(raw) {
            Ok(read) => out.extend(read.into_vec().into_iter().map(|entry| (start, Ok(entry)))),
            Err(e) => out.push((start, Err((Some(key), told(&e.kind))))),
        }
    }
    out.sort_by_key(|read| read.0);
    out
}

/// The abbreviations of a list.
struct Abbreviations<'a> {
    by_name: HashMap<&'a str, Pair<'a>>,
    /// Bytes that they may still come to when they are written out.
    left: usize,
}

/// How far abbreviations may be made of abbreviations, and how deep braces may nest.
const DEEPEST: usize = 16;
const DEEPEST_BRACES: usize = 100;

const ENDLESS: &str = "its abbreviations name each other, or come to too much";
const NESTED: &str = "its braces are nested too deep";

impl<'a> Abbreviations<'a> {
    fn new(text: &str) -> Self {
        Abbreviations { by_name: HashMap::new(), left: (1 << 20) + 16 * text.len() }
    }

    fn add(&mut self, pairs: impl Iterator<Item = Pair<'a>>) {
        self.by_name.extend(pairs.map(|pair| (pair.key.v, pair)));
    }

    /// Those that an entry needs, or why it cannot be read.
    fn of(&mut self, entry: &RawEntry<'a>) -> Result<Vec<Pair<'a>>, &'static str> {
        let (mut known, mut out) = (HashSet::new(), Vec::new());
        let mut wanted: Vec<(&str, usize)> = Vec::new();
        for field in &entry.fields {
            wanted.extend(names(field)?.into_iter().map(|name| (name, 0)));
        }
        while let Some((name, depth)) = wanted.pop() {
            let Some(pair) = self.by_name.get(name) else { continue };
            self.left = self.left.checked_sub(1 + pair.value.span.len()).ok_or(ENDLESS)?;
            if depth == DEEPEST {
                return Err(ENDLESS);
            }
            wanted.extend(names(pair)?.into_iter().map(|name| (name, depth + 1)));
            if known.insert(name) {
                out.push(pair.clone());
            }
        }
        Ok(out)
    }
}

/// The abbreviations that a value is made of.
fn names<'a>(pair: &Pair<'a>) -> Result<Vec<&'a str>, &'static str> {
    let mut names = Vec::new();
    for chunk in &pair.value.v {
        match chunk.v {
            RawChunk::Abbreviation(name) => names.push(name),
            RawChunk::Normal(text) => {
                let mut depth = 0usize;
                for byte in text.bytes() {
                    match byte {
                        b'{' => depth += 1,
                        b'}' => depth = depth.saturating_sub(1),
                        _ => continue,
                    }
                    if depth > DEEPEST_BRACES {
                        return Err(NESTED);
                    }
                }
            }
        }
    }
    Ok(names)
}

/// Where entries, abbreviations and comments stand: from an `@` and a word to the brace that closes it, or to the next line
/// that begins with such, so that one that is never closed costs no other.
fn spans(text: &str) -> Vec<Range<usize>> {
    let (mut spans, mut open, mut depth): (Vec<Range<usize>>, Option<usize>, usize) = (Vec::new(), None, 0);
    // Whether only blanks stand before it on its line; whether the rest of the line is a comment; whether it is taken as it is.
    let (mut fresh, mut comment, mut literal) = (true, false, false);
    for (at, c) in text.char_indices() {
        if c == '@' && !comment && (open.is_none() || fresh) && begins(&text[at..]) {
            spans.extend(open.replace(at).map(|start| start..at));
            depth = 0;
        }
        match c {
            '\n' => comment = false,
            '%' if open.is_none() => comment = true,
            '{' if open.is_some() && !literal => depth += 1,
            '}' if !literal => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    spans.extend(open.take().map(|start| start..at + 1));
                }
            }
            _ => {}
        }
        literal = c == '\\' && !literal;
        fresh = c == '\n' || (fresh && c.is_whitespace());
    }
    spans.extend(open.map(|start| start..text.len()));
    spans
}

/// Whether a text begins with `@article{` or the like.
pub fn begins(text: &str) -> bool {
    text.strip_prefix('@').is_some_and(|rest| {
        let word = rest.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        word.len() < rest.len() && word.trim_start().starts_with(['{', '('])
    })
}

fn told(kind: &ParseErrorKind) -> String {
    match kind {
        ParseErrorKind::UnexpectedEof => "the entry is not closed".into(),
        kind => kind.to_string(),
    }
}

fn reference_of(entry: &Entry) -> Option<Reference> {
    let field = |name: &str| entry.get(name).map(|chunks| chunks.format_verbatim().trim().to_string());
    let mut fields = vec![("title", field("title").unwrap_or_default())];
    fields.extend(field("abstract").map(|a| ("abstract", a)));
    let authors = entry.author().unwrap_or_default();
    let authors: Vec<String> =
        authors.iter().map(|p| format!("{} {} {}", p.given_name, p.prefix, p.name)).map(spaced).collect();
    let date = ["date", "year"].into_iter().find_map(field);
    fields.extend(date.map(|d| ("date", d)));
    let mut names: Vec<String> = field("doi").map(|d| format!("doi:{d}")).into_iter().collect();
    // `eprint` is an arXiv id where the archive is not said to be another.
    let archive = field("archiveprefix").or_else(|| field("eprinttype")).unwrap_or_else(|| "arxiv".into());
    if archive.eq_ignore_ascii_case("arxiv") {
        names.extend(field("eprint").map(|e| format!("arxiv:{}", e.trim_start_matches("arXiv:"))));
    }
    names.extend(field("url"));
    names.extend(field("note").filter(|n| identifier_key(n).is_some()));
    names.extend(field("journal").or_else(|| field("journaltitle")).and_then(|j| arxiv_in(&j)));
    let added = ["date-added", "timestamp"].into_iter().find_map(field).and_then(|t| moment(&t));
    reference(&fields, authors, names, added)
}

/// `arXiv preprint arXiv:2405.13729` in place of a journal.
fn arxiv_in(journal: &str) -> Option<String> {
    let at = journal.to_lowercase().rfind("arxiv:")?;
    journal.get(at..)?.split_whitespace().next().map(str::to_string)
}
