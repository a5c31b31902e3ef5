//! CSL-JSON: what citeproc, pandoc and Zotero read.

use serde_json::{Map, Value, json};

use super::record::{Kind, Record};
use crate::paper::person::CitedName;

/// An item.
pub fn item(record: &Record<'_>, key: &str) -> Value {
    let mut item = Map::new();
    let mut put = |name: &str, text: &str| {
        if !text.is_empty() {
            item.insert(name.into(), text.into());
        }
    };
    put("id", key);
    put("citation-key", key);
    put("type", kind(record));
    put("title", &title(&record.plain_title()));
    put("container-title", &record.venue);
    put("volume", &record.volume);
    put("issue", &record.issue);
    put("page", &record.pages);
    put("ISSN", &record.issn);
    put("ISBN", &record.isbn);
    put("DOI", &record.doi);
    put("PMID", &record.pmid);
    put("PMCID", &record.pmcid);
    put("URL", &record.url);
    let made = if record.publisher.is_empty() { &record.organization } else { &record.publisher };
    if record.arxiv.is_empty() {
        put("publisher", if record.kind == Kind::Preprint { &record.venue } else { made });
    } else {
        put("publisher", if record.kind == Kind::Preprint { "arXiv" } else { &record.publisher });
        put("archive", "arXiv");
        put("archive_location", &record.arxiv_class);
        put(
            if record.kind == Kind::Preprint { "number" } else { "archive_location" },
            &format!("arXiv:{}", record.arxiv),
        );
    }
    put("note", record.remark());
    put("keyword", &record.keywords.join(", "));
    put("abstract", &record.plain_summary());
    let authors: Vec<Value> = record.names().map(author).collect();
    if !authors.is_empty() {
        item.insert("author".into(), authors.into());
    }
    if !record.date.is_empty() {
        item.insert("issued".into(), json!({ "date-parts": [record.date] }));
    }
    if !record.own_id.is_empty() {
        item.insert("custom".into(), json!({ "paperkinid": record.own_id }));
    }
    Value::Object(item)
}

/// A title in which nothing is taken for markup: processors of CSL know a few tags of HTML.
fn title(text: &str) -> String {
    if !text.contains('<') {
        return text.to_string();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('<') {
        out.push_str(before);
        let name = behind.trim_start_matches('/');
        let known = ["i>", "b>", "sub>", "sup>", "sc>", "span"].iter().any(|tag| name.starts_with(tag));
        // A blank that has no width parts the sign from what would make a tag of it.
        out.push_str(if known { "<\u{2060}" } else { "<" });
        rest = behind;
    }
    out + rest
}

fn kind(record: &Record<'_>) -> &'static str {
    match record.kind {
        Kind::Article => "article-journal",
        Kind::Proceedings => "paper-conference",
        Kind::Chapter => "chapter",
        Kind::Book => "book",
        Kind::Thesis => "thesis",
        Kind::Report => "report",
        Kind::Preprint => "article",
        Kind::Other => "document",
    }
}

fn author(name: CitedName<'_>) -> Value {
    match name {
        CitedName::Group(name) => json!({ "literal": name }),
        CitedName::Person { given, particle, family, suffix } => {
            let parts = [("family", family), ("given", given), ("non-dropping-particle", particle), ("suffix", suffix)];
            let said = parts.into_iter().filter(|(_, text)| !text.is_empty());
            Value::Object(said.map(|(name, text)| (name.to_string(), text.into())).collect())
        }
    }
}
