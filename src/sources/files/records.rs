//! Papers from the JSON records of services that give all they have as files.
//!
//! Checked on 2026-11-26: arXiv's metadata against the description of `arxiv-metadata-oai-snapshot.json` (Kaggle,
//! Cornell-University/arxiv); Semantic Scholar's data sets against api.semanticscholar.org/api-docs/datasets; Crossref's and
//! OpenAlex's against the same documents as their services.

use serde_json::{Map, Value, json};

use super::super::feeds::paged::{at, list, number, text};
use super::super::feeds::record::{Record, rejected};
use super::super::feeds::{crossref, oai, openalex, semantic_scholar};
use super::super::references::date;
use super::PaperFormat;
use crate::engine::{Engine, Incoming, ReferenceList, Rejection};
use crate::paper::{Paper, head};

/// The paper of a record, by what its format is. `corpus` is where abstracts find the papers that they belong to.
pub fn paper(format: PaperFormat, place: usize, json: &[u8], corpus: Option<&Engine>) -> Incoming {
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    let record: Value = match serde_json::from_slice(json) {
        Ok(record) => record,
        Err(e) => {
            let why = e.to_string().replace("at line 1 column", "at column");
            return rejected(place, None, format!("not JSON: {why}"));
        }
    };
    if !record.is_object() {
        return rejected(place, None, "a record is a JSON object");
    }
    match format {
        PaperFormat::Arxiv => arxiv(place, &record),
        PaperFormat::Crossref => crossref::paper(place, &record),
        PaperFormat::Openalex => openalex::paper(place, &record),
        _ if record.get("corpusid").is_some() => data_set(place, &record, corpus),
        _ => semantic_scholar::paper(place, &record),
    }
}

/// A paper of arXiv's metadata.
fn arxiv(place: usize, record: &Value) -> Incoming {
    let id = text(record, "id").trim();
    if id.is_empty() {
        return rejected(place, None, "the record has no id");
    }
    let spaced = |name: &str| text(record, name).split_whitespace().collect::<Vec<_>>().join(" ");
    // `["Doe", "Jane", "Jr"]`, and perhaps where she works.
    let author = |parts: &Value| {
        let part = |k: usize| parts.get(k).and_then(Value::as_str).unwrap_or_default();
        [part(1), part(0), part(2)].join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let parsed: Vec<String> = list(record, "authors_parsed").iter().map(author).filter(|n| !n.is_empty()).collect();
    let authors = if parsed.is_empty() { oai::names(text(record, "authors")) } else { parsed };
    let versions = list(record, "versions");
    let day = |version: Option<&Value>| version.and_then(|version| date::day(text(version, "created")));
    let first = day(versions.first()).or_else(|| date::day(text(record, "update_date"))).unwrap_or_default();
    let last = day(versions.last()).or_else(|| date::day(text(record, "update_date")));
    let mut out = Record::new(format!("arxiv:{id}"));
    out.text("title", &spaced("title"))
        .text("abstract", &spaced("abstract"))
        .list("authors", authors)
        .text("date", &first)
        .text("updated", &last.filter(|last| *last != first).unwrap_or_default())
        .list("categories", text(record, "categories").split_whitespace().map(str::to_string))
        .text("url", &format!("https://arxiv.org/abs/{id}"))
        // Several may stand there, one behind the other; the first is the article's.
        .text("doi", text(record, "doi").split_whitespace().next().unwrap_or_default())
        .text("venue", &spaced("journal-ref"))
        .text("comment", &spaced("comments"))
        .text("license", text(record, "license"))
        .number("versions", (!versions.is_empty()).then_some(versions.len() as u64));
    out.finish(place)
}

/// A record of Semantic Scholar's data sets: `papers`, as its service has them but for the names of fields, and `abstracts`,
/// which stand apart from their papers.
fn data_set(place: usize, record: &Value, corpus: Option<&Engine>) -> Incoming {
    let number_of = number(record, "corpusid");
    if record.get("title").is_none() && record.get("abstract").is_some() {
        return summary(place, record, corpus);
    }
    let mut same = Map::new();
    for (name, own) in [
        ("paperId", "paperid"),
        ("title", "title"),
        ("abstract", "abstract"),
        ("authors", "authors"),
        ("publicationDate", "publicationdate"),
        ("year", "year"),
        ("venue", "venue"),
        ("url", "url"),
    ] {
        same.extend(record.get(own).map(|value| (name.to_string(), value.clone())));
    }
    let mut ids = record.get("externalids").and_then(Value::as_object).cloned().unwrap_or_default();
    ids.retain(|_, id| !id.is_null());
    if let Some(number) = number_of {
        ids.insert("CorpusId".into(), json!(number));
    }
    same.insert("externalIds".into(), Value::Object(ids));
    let fields = list(record, "s2fieldsofstudy").iter().filter_map(|field| at(field, "category")?.as_str());
    let mut fields: Vec<&str> = fields.collect();
    fields.dedup();
    same.insert("fieldsOfStudy".into(), json!(fields));
    semantic_scholar::paper(place, &Value::Object(same))
}

/// An abstract for a paper that is there.
fn summary(place: usize, record: &Value, corpus: Option<&Engine>) -> Incoming {
    let Some(number) = number(record, "corpusid") else { return rejected(place, None, "the abstract names no paper") };
    let name = format!("CorpusId:{number}");
    let Some(corpus) = corpus else {
        let why = "it is an abstract apart from its paper; `paperkin ingest` takes these, behind their papers";
        return rejected(place, Some(&name), why);
    };
    // Some are known by another of their names, which stand with the abstract.
    let others = [("ArXiv", "arxiv:"), ("DOI", "doi:")].map(|(kind, prefix)| {
        let id = text(record, &format!("openaccessinfo.externalids.{kind}"));
        (!id.is_empty()).then(|| format!("{prefix}{id}"))
    });
    let names = others.into_iter().flatten().chain([name.clone()]);
    let mut found = names.map(|name| corpus.paper(&name)).filter_map(Result::ok);
    match found.next() {
        Some(paper) => {
            let mut paper: Value = serde_json::to_value(&paper).unwrap_or_default();
            paper["abstract"] = record["abstract"].clone();
            let read = Paper::read(paper).map_err(|e| Rejection { id: Some(name), reason: e.to_string() });
            Incoming::new(place, read)
        }
        None => {
            rejected(place, Some(&name), "no paper of the corpus has this number; take in the data set `papers` first")
        }
    }
}

/// The paper of an item of CSL-JSON or Zotero. What hangs on other items is none.
pub fn item(place: usize, json: &[u8]) -> Option<Incoming> {
    let mut items = ReferenceList { part: Some(0), ..ReferenceList::default() };
    match std::str::from_utf8(json) {
        Ok(json) => super::super::references::json::item(&mut items, place, json),
        Err(e) => items.reject(place, None, format!("not UTF-8 (byte {} of the entry)", e.valid_up_to() + 1)),
    }
    let mut out = std::collections::VecDeque::new();
    super::incoming(items, 0, &mut out);
    out.pop_front()
}

/// A paper as JSON with some fields under other names: which field of a paper is which of its own.
pub fn renamed(place: usize, json: &[u8], map: &[(String, String)]) -> Incoming {
    let text = match std::str::from_utf8(json) {
        Ok(text) => text.trim_start_matches('\u{feff}'),
        Err(e) => return rejected(place, None, format!("not UTF-8 (byte {} of the entry)", e.valid_up_to() + 1)),
    };
    let mut fields: Map<String, Value> = match serde_json::from_str(text) {
        Ok(fields) => fields,
        Err(e) => return rejected(place, None, format!("not a JSON object: {}", head(&e.to_string(), 200))),
    };
    let whole = Value::Object(fields.clone());
    let mut said = Vec::new();
    for (field, own) in map {
        if let Some(value) = fields.shift_remove(own) {
            said.push((field.clone(), value));
        } else if let Some(value) = at(&whole, own) {
            said.push((field.clone(), value.clone()));
        }
    }
    fields.extend(said);
    let id = fields.get("id").and_then(Value::as_str).map(|id| head(id, 80));
    let read = Paper::read(Value::Object(fields)).map_err(|e| Rejection { id, reason: e.to_string() });
    Incoming::new(place, read)
}
