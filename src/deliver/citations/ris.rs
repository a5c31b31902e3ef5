//! RIS: a tag a line, as reference managers and databases exchange it.

use super::record::{Kind, Record, inverted};

/// An entry, with an empty line behind it. Lines end as the format wants it.
pub fn entry(record: &Record<'_>, key: &str) -> String {
    let mut entry = Lines(String::new());
    entry.line("TY", kind(record));
    entry.line("ID", key);
    for name in record.names() {
        entry.line("AU", &inverted(name));
    }
    entry.line("TI", &record.plain_title());
    let place = if record.kind == Kind::Article { "JO" } else { "T2" };
    entry.line(place, &record.venue);
    if let Some(year) = record.date.first() {
        entry.line("PY", &format!("{year:04}"));
        let part = |k: usize| record.date.get(k).map_or_else(String::new, |n| format!("{n:02}"));
        if record.date.len() > 1 {
            entry.line("DA", &format!("{year:04}/{}/{}/", part(1), part(2)));
        }
    }
    entry.line("VL", &record.volume);
    entry.line("IS", &record.issue);
    let (first, last) = record.page_range();
    entry.line("SP", first);
    entry.line("EP", last);
    entry.line("SN", if record.issn.is_empty() { &record.isbn } else { &record.issn });
    entry.line("PB", if record.publisher.is_empty() { &record.organization } else { &record.publisher });
    entry.line("DO", &record.doi);
    entry.line("UR", &record.url);
    if !record.arxiv.is_empty() {
        let class = if record.arxiv_class.is_empty() { String::new() } else { format!(" [{}]", record.arxiv_class) };
        entry.line("N1", &format!("arXiv:{}{class}", record.arxiv));
    }
    for (name, number) in [("PMID", &record.pmid), ("PMCID", &record.pmcid)] {
        if !number.is_empty() {
            entry.line("N1", &format!("{name}: {number}"));
        }
    }
    entry.line("N1", record.remark());
    if !record.own_id.is_empty() {
        entry.line("DB", DATABASE);
        entry.line("AN", &record.own_id);
    }
    record.keywords.iter().for_each(|word| entry.line("KW", word));
    entry.line("AB", &record.plain_summary());
    entry.0 + "ER  - \r\n\r\n"
}

/// The name of the database whose numbers our own ids are.
const DATABASE: &str = "paperkin";

fn kind(record: &Record<'_>) -> &'static str {
    match record.kind {
        Kind::Article => "JOUR",
        Kind::Proceedings => "CPAPER",
        Kind::Chapter => "CHAP",
        Kind::Book => "BOOK",
        Kind::Thesis => "THES",
        Kind::Report => "RPRT",
        // There is none for preprints that all programs know.
        Kind::Preprint | Kind::Other => "GEN",
    }
}

struct Lines(String);

impl Lines {
    /// Adds a line; nothing where the value is empty.
    fn line(&mut self, tag: &str, value: &str) {
        if !value.is_empty() {
            self.0 += &format!("{tag}  - {value}\r\n");
        }
    }
}
