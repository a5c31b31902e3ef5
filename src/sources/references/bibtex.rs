//! BibTeX and BibLaTeX. The parser gives up at the first mistake; a list with one is read entry by entry, so that it costs
//! the entry and not the list. And the parser follows abbreviations, braces and entries that refer to each other as far as they
//! lead, which may be for ever: so these are looked at first, and what an entry takes from others (`crossref`, `xdata`) is
//! deliberately not followed, for the parser does that without a bound.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use biblatex::{Bibliography, ChunksExt, Entry, EntryType, Pair, ParseErrorKind, RawBibliography, RawChunk, RawEntry};

use super::{moment, reference, spaced};
use crate::engine::{Reference, ReferenceList};
use crate::paper::Identifier;

/// Reads the entries of a list.
pub fn bibtex(text: &str) -> ReferenceList {
    let (mut at, mut line) = (0, 1);
    let mut list = ReferenceList::default();
    for (start, read) in whole(text).unwrap_or_else(|| one_by_one(text)) {
        line += text.as_bytes()[at..start].iter().filter(|b| **b == b'\n').count();
        at = start;
        match read {
            // They hold fields of other entries, or name them.
            Ok((entry, _)) if matches!(entry.entry_type, EntryType::XData | EntryType::Set) => {}
            Ok((entry, leans)) => match reference_of(&entry) {
                None if leans => {
                    list.nameless(line, Some(&entry.key), " of its own (crossref and xdata are not followed)");
                }
                read => list.add(line, Some(&entry.key), read),
            },
            Err((key, reason)) => list.reject(line, key, format!("this is no BibTeX: {reason}")),
        }
    }
    list
}

/// Where an entry begins, and the entry with whether it takes something from others, or its key and what is wrong with it.
type Read<'a> = (usize, Result<(Entry, bool), (Option<&'a str>, String)>);

/// All entries; none when anything is wrong.
fn whole(text: &str) -> Option<Vec<Read<'_>>> {
    let mut raw = RawBibliography::parse(text).ok()?;
    let mut abbreviations = Abbreviations::new(text);
    abbreviations.add(raw.abbreviations.iter().cloned());
    let mut known = Vec::new();
    for entry in &mut raw.entries {
        known.push((entry.span.start, stand_alone(&mut entry.v)));
        abbreviations.of(&entry.v).ok()?;
    }
    let entries = Bibliography::from_raw(raw).ok()?.into_vec();
    Some(known.into_iter().zip(entries).map(|((start, leans), entry)| (start, Ok((entry, leans)))).collect())
}

/// Drops what an entry takes from others, and its further keys: that is mostly where it appeared, and entries may refer to
/// each other in circles. Whether it takes something.
fn stand_alone(entry: &mut RawEntry<'_>) -> bool {
    let is = |field: &Pair<'_>, names: &[&str]| names.iter().any(|name| field.key.v.eq_ignore_ascii_case(name));
    let leans = entry.fields.iter().any(|field| is(field, &["crossref", "xdata"]));
    entry.fields.retain(|field| !is(field, &["crossref", "xdata", "ids"]));
    leans
}

/// Each entry for itself, with the abbreviations of all, in the order of the text.
fn one_by_one(text: &str) -> Vec<Read<'_>> {
    let mut out: Vec<Read<'_>> = Vec::new();
    let (mut abbreviations, mut entries) = (Abbreviations::new(text), Vec::new());
    for span in spans(text) {
        let piece = &text[span.clone()];
        // These hold no reference, and the parser does not know all ways to write them.
        let is = |word: &str| piece.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word));
        if is("@preamble") || is("@comment") {
            continue;
        }
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
        let leans = stand_alone(&mut entry.v);
        let abbreviations = match abbreviations.of(&entry.v) {
            Ok(abbreviations) => abbreviations,
            Err(why) => {
                out.push((start, Err((Some(key), why.into()))));
                continue;
            }
        };
        let raw = RawBibliography { preamble: String::new(), entries: vec![entry], abbreviations };
        match Bibliography::from_raw(raw) {
            Ok(read) => out.extend(read.into_vec().into_iter().map(|entry| (start, Ok((entry, leans))))),
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

/// Where the reading of a list stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Outside,
    /// From the `@` to the brace.
    Kind,
    Key,
    Fields,
    Quotes,
    /// In a value, so many braces deep.
    Braces(usize),
    /// In a `@comment`.
    Remark,
}

/// Where entries, abbreviations and comments stand: from an `@` and a word to the brace that closes it, as the parser sees it,
/// or to the next line that begins with such, so that one that is never closed costs no other.
fn spans(text: &str) -> Vec<Range<usize>> {
    use Place::{Braces, Fields, Key, Kind, Outside, Quotes, Remark};
    let (mut spans, mut start, mut place) = (Vec::new(), 0, Outside);
    // Whether only blanks stand before it on its line; whether the rest of the line is a comment; whether it is taken as it is.
    let (mut fresh, mut comment, mut literal) = (true, false, false);
    // What closes the entry; what stood before it, blanks and comments aside.
    let (mut close, mut last) = ('}', '\n');
    for (at, c) in text.char_indices() {
        if c == '@' && !comment && (place == Outside || fresh) && begins(&text[at..]) {
            if place != Outside {
                spans.push(start..at);
            }
            (start, place, literal) = (at, Kind, false);
        }
        if comment {
            comment = c != '\n';
        } else if literal {
            literal = false;
        } else {
            match place {
                Outside | Fields if c == '%' => comment = true,
                Kind if c == '{' || c == '(' => {
                    close = if c == '{' { '}' } else { ')' };
                    place = match text[start + 1..at].trim().to_ascii_lowercase().as_str() {
                        "comment" => Remark,
                        "string" | "preamble" => Fields,
                        _ => Key,
                    };
                }
                Key | Fields | Remark if c == close || c == '}' => {
                    spans.push(start..at + 1);
                    place = Outside;
                }
                Key if c == ',' || (c.is_whitespace() && !"{(".contains(last)) => place = Fields,
                Fields if c == '{' => place = Braces(1),
                Fields if c == '"' && "=#{".contains(last) => place = Quotes,
                Quotes | Braces(_) if c == '\\' => literal = true,
                Quotes if c == '"' => place = Fields,
                Braces(depth) if c == '{' => place = Braces(depth + 1),
                Braces(depth) if c == '}' => place = if depth == 1 { Fields } else { Braces(depth - 1) },
                _ => {}
            }
            if !comment && !c.is_whitespace() {
                last = c;
            }
        }
        fresh = c == '\n' || (fresh && c.is_whitespace());
    }
    if place != Outside {
        spans.push(start..text.len());
    }
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
    names.extend(field("note").filter(|n| Identifier::parse(n).is_some()));
    names.extend(field("journal").or_else(|| field("journaltitle")).and_then(|j| arxiv_in(&j)));
    let added = ["date-added", "timestamp"].into_iter().find_map(field).and_then(|t| moment(&t));
    reference(&fields, authors, names, added)
}

/// `arXiv preprint arXiv:2405.13729` in place of a journal.
fn arxiv_in(journal: &str) -> Option<String> {
    let at = journal.to_lowercase().rfind("arxiv:")?;
    journal.get(at..)?.split_whitespace().next().map(str::to_string)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(list: Vec<Read<'_>>) -> Vec<(usize, String, Option<Reference>)> {
        list.into_iter()
            .map(|(start, read)| {
                let (entry, _) = read.unwrap_or_else(|(key, reason)| panic!("{key:?}: {reason}"));
                (start, entry.key.clone(), reference_of(&entry))
            })
            .collect()
    }

    proptest! {
        #[test]
        fn spans_follow_each_other(
            text in "([\\{\\}\\(\\),=#\"%@ \n\\\\aé]|@misc\\{|@String \\(|@comment\\{|\n@preamble\\{\"){0,60}"
        ) {
            let mut end = 0;
            for span in spans(&text) {
                prop_assert!(end <= span.start && text[span.clone()].starts_with('@'), "{text:?}: {span:?}");
                end = span.end;
            }
        }

        /// What the parser reads of a whole list it reads of its entries one by one.
        #[test]
        fn entry_by_entry_nothing_is_lost(
            entries in prop::collection::vec((0usize..5, prop::collection::vec((0usize..7, 0usize..4), 0..4)), 0..6)
        ) {
            let values = ["{A \"%{\\}} b}", "\"A % {{ \\\" b\"", "2020", "j", "\"x\" # {%\\}#\"} # j", "{}", "\"\""];
            let remarks = ["", " % it's } \" {\n", "\n", "%\n"];
            let mut text = String::from("@string{j = \"J { %\" % }\n}\n");
            for (k, (head, fields)) in entries.iter().enumerate() {
                let begin = ["@misc {", "\n@misc{x\"%{-", "by @article{ ", "% } @misc{\n@book{", "@comment{\" % {}@misc{"][*head];
                text += &format!("{begin}k{k},");
                for (n, (value, remark)) in fields.iter().enumerate() {
                    let name = ["title", "year", "doi"][n];
                    text += &format!("{} {name} = {}{},", remarks[*remark], values[*value], remarks[(remark + n) % 4]);
                }
                text += "}";
            }
            let all = whole(&text);
            prop_assert!(all.is_some(), "{text}");
            prop_assert_eq!(all.map(read), Some(read(one_by_one(&text))), "{}", text);
        }
    }
}
