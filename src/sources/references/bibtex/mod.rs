//! BibTeX and BibLaTeX as they are found: [`raw`] reads what stands there, [`tex`] makes text of a value, and here entries
//! become references. What an entry takes from others (`@string`, `xdata`, `crossref`) is followed, a bounded way. `@set` and
//! `@xdata` hold no reference of their own.

mod known;
mod names;
mod raw;
mod tex;

pub use known::OwnedField;
pub use raw::{begins, begins_line};

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;

use raw::{Entry, Field, Piece};

use super::date;
use super::draft::{Draft, moment};
use crate::cancel;
use crate::engine::ReferenceList;
use crate::paper::Identifier;

/// Reads the entries of a list.
pub fn bibtex(text: &str) -> ReferenceList {
    ReferenceList::of(|list| part(text, &mut Vec::new(), false, list))
}

/// Bytes of abbreviations that a part hands on to the next.
const MAX_HANDED_ON: usize = 1 << 20;

/// Reads the entries of a part of a list, with the abbreviations that the parts before it have defined, and adds its own. In the
/// last part of a stream (`ends`) an entry that is not closed has been broken off.
pub fn part(text: &str, known: &mut Vec<OwnedField>, ends: bool, list: &mut ReferenceList) {
    let entries = raw::entries(text);
    read(text, &entries, known, ends, list);
    let room = MAX_HANDED_ON.saturating_sub(known.iter().map(OwnedField::weight).sum());
    let own = entries.iter().filter(|entry| entry.kind.eq_ignore_ascii_case("string")).flat_map(|entry| &entry.fields);
    let mut bytes = 0;
    let own = own.map(OwnedField::of).take_while(|field| {
        bytes += field.weight();
        bytes <= room
    });
    let own: Vec<OwnedField> = own.collect();
    known.extend(own);
}

fn read(text: &str, entries: &[Entry<'_>], known: &[OwnedField], ends: bool, list: &mut ReferenceList) {
    let known: Vec<Field<'_>> = known.iter().map(OwnedField::field).collect();
    let file = File::new(entries, &known, text.len());
    let (mut at, mut line) = (0, 1);
    let last = entries.last().map(|entry| entry.start).filter(|_| ends);
    for entry in entries.iter().take_while(|_| cancel::check().is_ok()) {
        if ["string", "set", "xdata"].iter().any(|kind| entry.kind.eq_ignore_ascii_case(kind)) {
            continue;
        }
        line += text.as_bytes()[at..entry.start].iter().filter(|b| **b == b'\n').count();
        at = entry.start;
        let mut reading = Reading::new(&file, entry);
        let read = reading.draft().finish();
        match reading.fault {
            Some(_) if last == Some(entry.start) && entry.open => {
                list.reject(line, Some(entry.key), "the file breaks off in the middle of this entry".into());
            }
            Some(fault) if read.is_none() => {
                list.reject(line, Some(entry.key), format!("this is no BibTeX: {fault}"));
            }
            _ => list.add(line, Some(entry.key), read),
        }
    }
}

/// How far abbreviations may be made of abbreviations, and how many entries one may take from.
const DEEPEST: usize = 16;

/// Bytes that abbreviations may bring a value to.
const LONGEST: usize = 1 << 20;

const ENDLESS: &str = "its abbreviations name each other, or come to too much";

/// What an entry has from the one that its `crossref` names: what is said of a volume is said of its parts.
const HANDED_DOWN: &[&str] =
    &["author", "booktitle", "date", "day", "journal", "journaltitle", "month", "series", "title", "year"];

/// What the entries of a file share.
struct File<'e, 'a> {
    /// Abbreviations, by their names in small letters.
    abbreviations: HashMap<String, &'e Field<'a>>,
    /// Entries, by their keys in small letters. Of two with one key the first.
    by_key: HashMap<String, &'e Entry<'a>>,
    /// Bytes that abbreviations may still come to when they are written out.
    left: Cell<usize>,
}

impl<'e, 'a> File<'e, 'a> {
    fn new(entries: &'e [Entry<'a>], known: &'e [Field<'a>], bytes: usize) -> Self {
        let (mut abbreviations, mut by_key) = (HashMap::new(), HashMap::new());
        abbreviations.extend(known.iter().map(|field| (field.name.to_lowercase(), field)));
        for entry in entries {
            if entry.kind.eq_ignore_ascii_case("string") {
                abbreviations.extend(entry.fields.iter().map(|field| (field.name.to_lowercase(), field)));
            } else {
                by_key.entry(entry.key.to_lowercase()).or_insert(entry);
            }
        }
        File { abbreviations, by_key, left: Cell::new((1 << 20) + 4 * bytes) }
    }

    /// Writes a value out. An abbreviation that nobody defined stands for its own letters; the last such is told.
    fn write(&self, field: &Field<'a>, depth: usize, out: &mut String) -> Result<Option<&'a str>, &'static str> {
        let mut unknown = None;
        for piece in field.pieces() {
            let (text, defined) = match piece {
                Piece::Text(text) => (text, None),
                Piece::Word(word) => (word, self.abbreviations.get(&word.to_lowercase())),
            };
            let goes = depth < DEEPEST && (depth == 0 || out.len() < LONGEST);
            let left = self.left.get().checked_sub(1 + text.len()).filter(|_| goes).ok_or(ENDLESS)?;
            self.left.set(left);
            match (piece, defined) {
                (_, Some(defined)) => unknown = self.write(defined, depth + 1, out)?.or(unknown),
                (Piece::Word(word), None) if !word.bytes().all(|b| b.is_ascii_digit()) => {
                    unknown = Some(word);
                    out.push_str(word);
                }
                _ => out.push_str(text),
            }
        }
        Ok(unknown)
    }

    /// The source of a value, and whether there is nothing in it but abbreviations that nobody defined.
    fn source(&self, field: &Field<'a>) -> Result<(Cow<'a, str>, Option<&'a str>), &'static str> {
        let mut pieces = field.pieces();
        if let (Some(Piece::Text(text)), None) = (pieces.next(), pieces.next()) {
            return Ok((Cow::Borrowed(text), None));
        }
        let mut out = String::new();
        let unknown = self.write(field, 0, &mut out)?.filter(|word| out == **word);
        Ok((Cow::Owned(out), unknown))
    }
}

/// Fields by name: small letters and digits, so that `Date-Added` and `date_added` are one.
type Fields<'e, 'a> = Vec<(String, &'e Field<'a>)>;

/// Reading one entry.
struct Reading<'f, 'e, 'a> {
    file: &'f File<'e, 'a>,
    entry: &'e Entry<'a>,
    /// Its fields, and those of the entries it takes from, with whether it takes all of them.
    levels: Vec<(Fields<'e, 'a>, bool)>,
    fault: Option<String>,
}

impl<'f, 'e, 'a> Reading<'f, 'e, 'a> {
    fn new(file: &'f File<'e, 'a>, entry: &'e Entry<'a>) -> Self {
        let mut reading = Reading { file, entry, levels: Vec::new(), fault: entry.fault.clone() };
        let mut queue = vec![(entry, true)];
        let mut next = 0;
        while let Some((from, all)) = queue.get(next).copied() {
            next += 1;
            let fields: Fields<'e, 'a> = from.fields.iter().map(|field| (plain_name(field.name), field)).collect();
            for (name, field) in fields.iter().filter(|(name, _)| name == "xdata" || name == "crossref") {
                let keys = file.source(field).map_or(Cow::Borrowed(""), |(keys, _)| keys);
                for key in keys.split(',').map(|key| key.trim().to_lowercase()) {
                    if let Some(parent) = file.by_key.get(&key)
                        && queue.len() < DEEPEST
                        && !queue.iter().any(|(known, _)| known.start == parent.start)
                    {
                        queue.push((parent, all && name == "xdata"));
                    }
                }
            }
            reading.levels.push((fields, all));
        }
        reading
    }

    /// The sources of all fields of these names that are the entry's own, in the order of the names.
    fn own(&mut self, names: &[&str]) -> Vec<Cow<'a, str>> {
        names.iter().flat_map(|name| self.all(name, true)).collect()
    }

    /// The source of the first of these fields that says something, be it handed down.
    fn first(&mut self, names: &[&str]) -> Option<Cow<'a, str>> {
        names.iter().find_map(|name| self.all(name, false).into_iter().next())
    }

    fn all(&mut self, name: &str, own: bool) -> Vec<Cow<'a, str>> {
        let (mut sources, mut faults) = (Vec::new(), None);
        for (fields, all) in &self.levels {
            if !all && (own || !HANDED_DOWN.contains(&name)) {
                continue;
            }
            for (_, field) in fields.iter().filter(|(known, _)| known == name) {
                match self.file.source(field) {
                    // A title of which nothing is known but an abbreviation is none.
                    Ok((_, Some(word))) if name == "title" => {
                        faults = Some(format!("unknown abbreviation `{}`", crate::paper::head(word, 40)));
                    }
                    Ok((source, _)) if !source.trim().is_empty() => sources.push(source),
                    Ok(_) => {}
                    Err(why) => faults = Some(why.into()),
                }
            }
        }
        if let Some(fault) = faults {
            self.fault.get_or_insert(fault);
        }
        sources
    }

    fn text(&mut self, names: &[&str]) -> Option<String> {
        self.first(names).map(|source| tex::text(&source))
    }

    fn draft(&mut self) -> Draft {
        let mut draft = Draft::default();
        let whole = ["book", "mvbook", "proceedings", "mvproceedings", "collection", "mvcollection"];
        let whole = whole.iter().any(|kind| self.entry.kind.eq_ignore_ascii_case(kind));
        draft.title =
            self.text(if whole { &["title", "booktitle", "maintitle"] } else { &["title"] }).unwrap_or_default();
        if let Some(more) = self.own(&["subtitle"]).first().filter(|_| !draft.title.is_empty()) {
            draft.title = format!("{}: {}", draft.title, tex::text(more));
        }
        draft.summary = self.text(&["abstract"]).unwrap_or_default();
        let people = self.first(if whole { &["author", "editor"] } else { &["author"] });
        draft.authors = people.map_or_else(Vec::new, |people| names::names(&people));
        draft.date = self.date();
        draft.added = self
            .own(&["dateadded", "creationdate", "timestamp"])
            .iter()
            .find_map(|added| moment(&tex::verbatim(added)));
        let words = self.own(&["keywords", "keyword", "authorkeywords"]);
        let words =
            words.iter().flat_map(|words| tex::text(words).split([',', ';']).map(str::to_string).collect::<Vec<_>>());
        draft.keywords = words.collect();
        draft.url = self.own(&["url"]).first().map(|url| tex::verbatim(url)).unwrap_or_default();
        self.name(&mut draft);
        draft
    }

    fn date(&mut self) -> Option<String> {
        let dated = self.text(&["date"]).and_then(|text| date::day(&text));
        dated.or_else(|| {
            let year = self.text(&["year", "issuedate"])?;
            let month = self.text(&["month"]).unwrap_or_default();
            let day = self.text(&["day"]).unwrap_or_default();
            date::day(&format!("{year} {month} {day}")).or_else(|| date::day(&year))
        })
    }

    /// What the paper is called: only fields that name the paper itself are looked at.
    fn name(&mut self, draft: &mut Draft) {
        // The id that a paper has here, where nothing else names it.
        for id in self.own(&["paperkinid"]) {
            draft.own_id(&tex::verbatim(&id));
        }
        for doi in self.own(&["doi", "dois"]) {
            draft.doi(&tex::verbatim(&doi));
        }
        self.eprint(draft);
        for id in self.own(&["arxivid", "arxiv"]) {
            draft.arxiv(&tex::verbatim(&id));
        }
        for kind in ["pmid", "pmcid"] {
            for id in self.own(&[kind]) {
                draft.pubmed(kind, &tex::verbatim(&id));
            }
        }
        let journal = self.text(&["journal", "journaltitle", "booktitle", "series"]).unwrap_or_default();
        let places =
            ["volume", "number", "eid", "pages", "howpublished", "type", "publisher", "institution", "identifier"];
        let places = self.own(&places);
        let places: Vec<String> = places.iter().map(|place| tex::verbatim(place)).collect();
        draft.journal(&journal, &places);
        for remark in self.own(&["howpublished", "note", "addendum", "archiveid"]) {
            draft.remark(&tex::verbatim(&remark));
        }
        for url in self.own(&["url", "urlraw"]) {
            draft.name(&tex::verbatim(&url));
        }
        for link in self.own(&["ee", "link", "eprinturl", "bdskurl1", "bdskurl2", "bdskurl3"]) {
            draft.identifier_in(&tex::verbatim(&link));
        }
        // Some publishers make the DOI the key. Short ids of other kinds may be anything.
        let key = Identifier::parse(self.entry.key);
        if let Some(key) = key.filter(|key| key.key().starts_with("doi:") || key.key().starts_with("arxiv:")) {
            draft.identifier(&key);
        }
    }

    /// `eprint` is an arXiv id where the archive is not said to be another.
    fn eprint(&mut self, draft: &mut Draft) {
        let Some(id) = self.own(&["eprint"]).first().map(|source| tex::verbatim(source)) else { return };
        let archive =
            self.own(&["archiveprefix", "eprinttype", "archive"]).first().map(|a| tex::verbatim(a).to_lowercase());
        match archive.as_deref() {
            Some("pubmed" | "pmid" | "medline") => draft.pubmed("pmid", &id),
            Some("pmc" | "pmcid" | "pubmedcentral") => draft.pubmed("pmcid", &id),
            Some(archive) if archive.contains("arxiv") => {
                // The old ids without their archive, which stands as the class.
                let class = self.own(&["primaryclass", "eprintclass"]).first().map(|class| tex::verbatim(class));
                match class {
                    Some(class) if id.len() == 7 && id.bytes().all(|b| b.is_ascii_digit()) => {
                        draft.arxiv(&format!("{class}/{id}"));
                    }
                    _ => draft.arxiv(&id),
                }
            }
            other => {
                let found = [id.clone(), format!("arxiv:{id}"), format!("{}/{id}", other.unwrap_or_default())];
                if let Some(found) = found.iter().find_map(|text| Identifier::parse(text)) {
                    draft.identifier(&found);
                }
            }
        }
    }
}

fn plain_name(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests;
