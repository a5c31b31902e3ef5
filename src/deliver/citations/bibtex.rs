//! BibTeX: entries that the styles of BibTeX and BibLaTeX both understand, with arXiv's fields.

use super::record::{Kind, Record};
use super::{casing, latex};
use crate::paper::person::CitedName;

/// The months as every style defines them.
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// An entry, with the end of its last line.
pub fn entry(record: &Record<'_>, key: &str) -> String {
    let kind = kind(record);
    let mut entry = Entry { text: format!("@{kind}{{{key},\n") };
    let mut title = String::new();
    casing::title(&record.title, &mut title);
    entry.value("title", &title);
    entry.value("author", &authors(record));
    if let Some(year) = record.date.first() {
        entry.value("year", &year.to_string());
    }
    if let Some(month) = record.date.get(1).and_then(|month| MONTHS.get(usize::from(*month).wrapping_sub(1))) {
        entry.bare("month", month);
    }
    if let Some(day) = record.date.get(2) {
        entry.value("day", &day.to_string());
    }
    let place = match kind {
        "article" => "journal",
        "inproceedings" | "incollection" => "booktitle",
        "misc" => "howpublished",
        _ => "series",
    };
    // What `eprint` says need not be said twice.
    if kind != "misc" || record.arxiv.is_empty() {
        entry.text(place, &record.venue);
    }
    match kind {
        "phdthesis" => {
            entry.text("school", if record.organization.is_empty() { &record.publisher } else { &record.organization })
        }
        "techreport" => {
            entry.text(
                "institution",
                if record.organization.is_empty() { &record.publisher } else { &record.organization },
            );
        }
        "book" if record.publisher.is_empty() => entry.text("publisher", &record.organization),
        _ => entry.text("publisher", &record.publisher),
    }
    entry.text("volume", &record.volume);
    entry.text("number", &record.issue);
    match record.page_range() {
        (first, "") => entry.text("pages", first),
        (first, last) => {
            let mut pages = String::new();
            latex::escaped(first, &mut pages);
            pages.push_str("--");
            latex::escaped(last, &mut pages);
            entry.value("pages", &pages);
        }
    }
    entry.text("issn", &record.issn);
    entry.text("isbn", &record.isbn);
    // A DOI that no value can hold stands in the address alone.
    if !record.doi.contains(['{', '}', '\\', '$']) {
        entry.value("doi", &record.doi);
    }
    if !record.arxiv.is_empty() {
        entry.text("eprint", &record.arxiv);
        entry.value("archivePrefix", "arXiv");
        entry.text("primaryClass", &record.arxiv_class);
    }
    entry.text("pmid", &record.pmid);
    entry.text("pmcid", &record.pmcid);
    entry.value("url", &address(record));
    entry.text("note", record.remark());
    entry.text("keywords", &record.keywords.join(", "));
    let mut summary = String::new();
    latex::prose(&record.summary, &mut summary);
    entry.value("abstract", &summary);
    entry.text("paperkinid", &record.own_id);
    entry.text += "}\n";
    entry.text
}

/// The type of the entry. One whose place is not known is `misc`: no style complains of what it lacks.
fn kind(record: &Record<'_>) -> &'static str {
    match record.kind {
        Kind::Article if !record.venue.is_empty() => "article",
        Kind::Proceedings => "inproceedings",
        Kind::Chapter => "incollection",
        Kind::Book => "book",
        Kind::Thesis => "phdthesis",
        Kind::Report => "techreport",
        Kind::Article | Kind::Preprint | Kind::Other => "misc",
    }
}

/// The address, where the DOI does not say it; with signs that end a value written as addresses write them.
fn address(record: &Record<'_>) -> String {
    let host = record.url.split("://").nth(1).unwrap_or_default();
    if !record.doi.is_empty() && ["doi.org/", "dx.doi.org/", "www.doi.org/"].iter().any(|own| host.starts_with(own)) {
        return String::new();
    }
    let mut out = String::with_capacity(record.url.len());
    for c in record.url.chars() {
        match c {
            '{' => out.push_str("%7B"),
            '}' => out.push_str("%7D"),
            '\\' => out.push_str("%5C"),
            '$' => out.push_str("%24"),
            ' ' => out.push_str("%20"),
            c => out.push(c),
        }
    }
    out
}

/// The names, apart by `and`: `van der Berg, Jr., Jan`, those of bodies in braces.
fn authors(record: &Record<'_>) -> String {
    let alone = record.authors.len() == 1;
    let names: Vec<String> = record.names().map(|name| author(name, alone)).collect();
    names.join(" and ")
}

fn author(name: CitedName<'_>, alone: bool) -> String {
    let (given, particle, family, suffix) = match name {
        CitedName::Group(name) => return whole(name),
        CitedName::Person { given: "", particle: "", family, suffix: "" } if family.contains(' ') => {
            return whole(family);
        }
        CitedName::Person { given, particle, family, suffix } => (given, particle, family, suffix),
    };
    // A small word in a family name is no particle here; and of a name alone some think that its commas part several.
    let several = family.contains(' ');
    let small = family.split(' ').any(|word| word.starts_with(char::is_lowercase));
    let held = (several && small) || (alone && (several || !particle.is_empty()));
    let family = if held { whole(family) } else { part(family) };
    let mut out = if particle.is_empty() { family } else { format!("{} {family}", part(particle)) };
    if !suffix.is_empty() {
        out += &format!(", {}", part(suffix));
    }
    if !given.is_empty() {
        out += &format!(", {}", part(given));
    } else if !suffix.is_empty() {
        out += ", {}";
    }
    out
}

/// A part of a name; in braces where something in it would part names.
fn part(text: &str) -> String {
    let parts = |word: &str| word.eq_ignore_ascii_case("and") || word.eq_ignore_ascii_case("others");
    if text.contains([',', ';', '=']) || text.split(' ').any(parts) {
        return whole(text);
    }
    let mut out = String::new();
    latex::escaped(text, &mut out);
    out
}

fn whole(text: &str) -> String {
    let mut out = String::from("{");
    latex::escaped(text, &mut out);
    out.push('}');
    out
}

/// An entry on its way.
struct Entry {
    text: String,
}

impl Entry {
    /// Adds a field whose value is LaTeX already; nothing where it is empty.
    fn value(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.text += &format!("  {name} = {{{value}}},\n");
        }
    }

    /// The same of text.
    fn text(&mut self, name: &str, text: &str) {
        let mut value = String::new();
        latex::escaped(text, &mut value);
        self.value(name, &value);
    }

    /// Adds a field whose value is a word that every style knows.
    fn bare(&mut self, name: &str, word: &str) {
        self.text += &format!("  {name} = {word},\n");
    }
}
