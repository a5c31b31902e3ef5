//! Lists in JSON: CSL-JSON, Zotero's web API, Better BibTeX JSON. Each item is read by what it holds, so that it does not
//! matter which of them a file was said to be.

use serde_json::Value;
use serde_json::value::RawValue;

use super::date;
use super::draft::{Draft, moment};
use super::people::person;
use crate::cancel;
use crate::engine::{Format, Reference, ReferenceList, RejectedUnit};
use crate::error::{Error, Result};
use crate::paper::{Items, items, object};

/// Reads the items of a list, of an object that holds one, or of JSON Lines. The format in the list is the one found.
///
/// # Errors
/// [`Error::BadRequest`] when it is no JSON, or no list.
pub fn json(text: &str) -> Result<ReferenceList> {
    let broken = |e| Error::BadRequest(format!("this is no CSL-JSON or other JSON: {e}"));
    // No tree of the whole: it would take twenty times the room of the text.
    let values = || serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let (mut first, mut count) = (None, 0);
    for value in values() {
        first = first.or(Some(value.map_err(broken)?));
        count += 1;
    }
    let mut list =
        ReferenceList { rejected_unit: RejectedUnit::Entry, format: Format::Csl, ..ReferenceList::default() };
    if let (Some(only), 1) = (first, count) {
        let found = items_of(only.get(), 0)
            .ok_or_else(|| Error::BadRequest("this is no CSL-JSON: a list of items is wanted".into()))?;
        match found {
            FieldValue::List(found) => read(&mut list, found),
            FieldValue::Numbered(found) => read(&mut list, found.into_iter()),
        }
    } else {
        read(&mut list, values().map_while(std::result::Result::ok).map(RawValue::get));
    }
    Ok(list)
}

/// Bytes of an item.
const MAX_ITEM: usize = 1 << 20;

fn read<'a>(list: &mut ReferenceList, items: impl Iterator<Item = &'a str>) {
    for (k, json) in items.enumerate().take_while(|_| cancel::check().is_ok()) {
        if json.len() > MAX_ITEM {
            let reason = format!("it is {} bytes long; an entry has at most {MAX_ITEM}", json.len());
            list.reject(k + 1, None, reason);
            continue;
        }
        item(list, k + 1, json);
    }
}

/// Reads one item.
pub fn item(list: &mut ReferenceList, place: usize, json: &str) {
    match serde_json::from_str::<Value>(json) {
        Ok(item) => take(list, place, &item),
        Err(e) => list.reject(place, None, format!("it cannot be read: {e}")),
    }
}

fn take(list: &mut ReferenceList, place: usize, item: &Value) {
    let data = if item["data"].is_object() { &item["data"] } else { item };
    if let Some(kind) = data["itemType"].as_str() {
        list.format = Format::Zotero;
        // They hang on other items and are no references.
        if !matches!(kind, "attachment" | "note" | "annotation") {
            let key = ["citationKey", "citekey", "itemKey", "key"].iter().find_map(|name| data[name].as_str());
            list.add(place, key.or_else(|| item["key"].as_str()), zotero(data));
        }
    } else {
        list.add(place, text_of(item, &["id", "paperId", "citation-key"]).as_deref(), csl(item));
    }
}

/// Where the items of a list were found.
enum FieldValue<'a> {
    List(Items<'a>),
    /// One by one: in an object, or alone.
    Numbered(Vec<&'a str>),
}

/// How many objects may stand around a list.
const AROUND: usize = 4;

/// The items of a list, or of the list in an object; an object without one is an item itself.
fn items_of(json: &str, depth: usize) -> Option<FieldValue<'_>> {
    if let Some(items) = items(json) {
        return Some(FieldValue::List(items));
    }
    if !json.starts_with('{') || depth > AROUND {
        return None;
    }
    let fields = object(json);
    // Of two fields of one name the last counts.
    let field = |name: &str| fields.iter().rev().find(|(known, _)| known == name).map(|(_, value)| *value);
    if let Some(message) = field("message").filter(|message| message.starts_with('{')) {
        return items_of(message, depth + 1);
    }
    for name in ["items", "references", "papers", "results", "data"] {
        match field(name) {
            Some(list) if list.starts_with('[') => return items(list).map(FieldValue::List),
            // Older versions of Better BibTeX number them.
            Some(numbered) if name == "items" && numbered.starts_with('{') => {
                return Some(FieldValue::Numbered(object(numbered).into_iter().map(|(_, item)| item).collect()));
            }
            _ => {}
        }
    }
    Some(FieldValue::Numbered(vec![json]))
}

/// The first of these fields that holds a text or a number, or a list that begins with one.
fn text_of(item: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| {
        let value = match &item[*name] {
            Value::Array(values) => values.first().unwrap_or(&Value::Null),
            value => value,
        };
        match value {
            Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    })
}

fn zotero(item: &Value) -> Option<Reference> {
    let text = |names: &[&str]| text_of(item, names);
    let mut draft = Draft {
        title: text(&["title", "caseName", "nameOfAct", "subject"]).unwrap_or_default(),
        summary: text(&["abstractNote"]).unwrap_or_default(),
        date: text(&["date", "issued", "dateEnacted", "dateDecided"]).and_then(|d| date::day(&d)),
        added: text(&["dateAdded"]).and_then(|d| moment(&d)),
        ..Draft::default()
    };
    let creators = item["creators"].as_array().map_or(&[][..], Vec::as_slice);
    let is = |kind: &'static str| move |c: &&Value| c["creatorType"].as_str().unwrap_or("author") == kind;
    let mut people: Vec<&Value> = creators.iter().filter(is("author")).collect();
    if people.is_empty() {
        people = creators.iter().filter(|c| !is("contributor")(c)).collect();
    }
    draft.authors = people.into_iter().map(name_of).collect();
    if let Some(doi) = text(&["DOI"]) {
        draft.doi(&doi);
    }
    let places: Vec<String> = ["volume", "reportNumber", "number", "archiveID", "archiveLocation", "pages"]
        .iter()
        .filter_map(|name| text(&[name]))
        .collect();
    let journals = ["publicationTitle", "proceedingsTitle", "bookTitle", "repository", "institution", "publisher"];
    draft.journal(&text(&journals).unwrap_or_default(), &places);
    for id in ["archiveID", "reportNumber", "archiveLocation"].iter().filter_map(|name| text(&[name])) {
        draft.identifier_in(&id);
    }
    for kind in ["pmid", "pmcid"] {
        if let Some(id) = text(&[&kind.to_uppercase()]) {
            draft.pubmed(kind, &id);
        }
    }
    if let Some(extra) = text(&["extra"]) {
        draft.extra(&extra);
    }
    draft.keywords = words_of(&item["tags"], "tag");
    if let Some(url) = text(&["url"]) {
        draft.name(&url);
        draft.url = url;
    }
    draft.finish()
}

fn csl(item: &Value) -> Option<Reference> {
    let text = |names: &[&str]| text_of(item, names);
    let mut draft = Draft {
        title: text(&["title"]).unwrap_or_default(),
        summary: text(&["abstract", "summary"]).unwrap_or_default(),
        added: text(&["dateAdded", "accessed"]).and_then(|t| moment(&t)),
        ..Draft::default()
    };
    // The id that a paper has here, where nothing else names it.
    if let Some(id) = text_of(&item["custom"], &["paperkinid"]) {
        draft.own_id(&id);
    }
    let dates = ["issued", "published", "published-print", "date", "publicationDate", "year"];
    draft.date = dates.iter().find_map(|name| day_of(&item[*name]));
    let people = ["author", "authors", "editor"].iter().find_map(|n| item[*n].as_array().filter(|a| !a.is_empty()));
    draft.authors = people.map_or_else(Vec::new, |list| list.iter().map(name_of).collect());
    let others = &item["externalIds"];
    if let Some(doi) = text(&["DOI", "doi"]).or_else(|| text_of(others, &["DOI"])) {
        draft.doi(&doi);
    }
    if let Some(id) = text(&["arxiv_id", "arxivId", "arxiv"]).or_else(|| text_of(others, &["ArXiv"])) {
        draft.arxiv(&id);
    }
    for (kind, names, other) in [("pmid", ["PMID", "pmid"], "PubMed"), ("pmcid", ["PMCID", "pmcid"], "PubMedCentral")] {
        if let Some(id) = text(&names).or_else(|| text_of(others, &[other])) {
            draft.pubmed(kind, &id);
        }
    }
    let places: Vec<String> =
        ["volume", "number", "archive_location", "page"].iter().filter_map(|name| text(&[name])).collect();
    draft.journal(&text(&["container-title", "journal", "venue", "publisher"]).unwrap_or_default(), &places);
    for id in ["archive_location", "number", "id"].iter().filter_map(|name| text(&[name])) {
        draft.identifier_in(&id);
    }
    if let Some(note) = text(&["note"]) {
        draft.extra(&note);
    }
    for url in ["URL", "url"].iter().filter_map(|name| text(&[name])) {
        draft.name(&url);
        draft.url = url;
    }
    draft.keywords = [words_of(&item["keyword"], "name"), words_of(&item["keywords"], "name")].concat();
    draft.categories = words_of(&item["categories"], "name");
    // A paper of a corpus may be called so, but alone it says nothing.
    if let Some(id) = text(&["id", "paperId"]).filter(|_| draft.is_named() || !draft.title.trim().is_empty()) {
        draft.name(&id);
    }
    draft.finish()
}

/// Terms: a list of texts, or of objects that hold one under `name`, or one text of all.
fn words_of(value: &Value, name: &str) -> Vec<String> {
    match value {
        Value::String(text) => text.split([',', ';']).map(str::to_string).collect(),
        Value::Array(terms) => {
            terms.iter().filter_map(|term| term.as_str().or_else(|| term[name].as_str())).map(str::to_string).collect()
        }
        _ => Vec::new(),
    }
}

/// A day in CSL's parts, or in words.
fn day_of(value: &Value) -> Option<String> {
    if let Some(parts) = value["date-parts"][0].as_array() {
        let number = |part: &Value| part.as_u64().or_else(|| part.as_str()?.trim().parse().ok());
        let numbers: Vec<String> = parts.iter().map_while(number).map(|n| n.to_string()).collect();
        if let Some(day) = date::day(&numbers.join("-")) {
            return Some(day);
        }
    }
    match value {
        Value::Object(_) => text_of(value, &["raw", "literal", "year"]).and_then(|text| date::day(&text)),
        Value::String(text) => date::day(text),
        Value::Number(year) => date::day(&year.to_string()),
        _ => None,
    }
}

/// A person as CSL, Zotero and others write one.
fn name_of(value: &Value) -> String {
    if let Some(text) = value.as_str() {
        return person(text);
    }
    let part = |name: &str| value[name].as_str().unwrap_or_default();
    let family = [part("family"), part("lastName")].concat();
    if family.is_empty() {
        return [part("literal"), part("name")].concat();
    }
    format!("{}{} {} {family}", part("given"), part("firstName"), part("non-dropping-particle"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> ReferenceList {
        json(text).expect("reads")
    }

    #[test]
    fn items_are_found_wherever_they_stand() {
        let item = r#"{"title": "A", "DOI": "10.1000/a"}"#;
        for text in [
            format!("[{item}]"),
            item.to_string(),
            format!(r#"{{"items": [{item}]}}"#),
            format!(r#"{{"items": {{"1": {item}}}}}"#),
            format!(r#"{{"references": [{item}]}}"#),
            format!(r#"{{"message": {{"items": [{item}]}}}}"#),
            format!("{item}\n{item}"),
            r#"[{"title": ["A"], "doi": "https://doi.org/10.1000/a"}]"#.to_string(),
            r#"[{"key": "K", "data": {"itemType": "book", "title": "A", "DOI": "10.1000/a"}}]"#.to_string(),
        ] {
            let found = &read(&text).references[0];
            assert_eq!((found.paper.title.as_str(), found.paper.id.as_str()), ("A", "doi:10.1000/a"), "{text}");
        }
    }

    #[test]
    fn zotero_is_read() {
        let text = r#"[{"key": "AB12", "data": {"key": "AB12", "itemType": "preprint", "title": "On things",
            "creators": [{"creatorType": "author", "firstName": "Jane", "lastName": "Doe"}, {"creatorType": "author", "name": "The Group"},
            {"creatorType": "editor", "firstName": "Ed", "lastName": "Itor"}], "abstractNote": "Text", "date": "March 15, 2021",
            "extra": "arXiv:2405.13729 [cs]\nCitation Key: doe21\nPMID: 99000001", "dateAdded": "2024-01-02T03:04:05Z"}},
            {"key": "X", "data": {"itemType": "attachment", "title": "Full Text PDF"}},
            {"key": "Y", "data": {"itemType": "case", "caseName": "Doe v. Roe", "archiveID": "arXiv:2405.13730"}},
            {"key": "Z", "data": {"itemType": "book"}}]"#;
        let list = read(text);
        assert_eq!((list.references.len(), list.rejected_total, list.format), (2, 1, Format::Zotero));
        let found = &list.references[0];
        assert_eq!(found.paper.authors, ["Jane Doe", "The Group"]);
        assert_eq!(found.paper.date.as_ref().map(|d| d.as_str()), Some("2021-03-15"));
        assert_eq!((found.names[0].as_str(), found.key.as_deref(), found.line), ("arxiv:2405.13729", Some("AB12"), 1));
        assert!(found.added.is_some());
        assert_eq!(list.references[1].names, ["arxiv:2405.13730"]);
        assert_eq!((list.rejected[0].line, list.rejected[0].id.as_deref()), (4, Some("Z")));
    }

    #[test]
    fn dates_of_csl_come_in_parts_and_words() {
        for (issued, day) in [
            (r#"{"date-parts": [["2021", 3]]}"#, Some("2021-03")),
            (r#"{"date-parts": [[2021, 3, 15]]}"#, Some("2021-03-15")),
            (r#"{"date-parts": [[null]]}"#, None),
            (r#"{"raw": "15 Mar 2021"}"#, Some("2021-03-15")),
            (r#"{"literal": "Spring 2021"}"#, Some("2021")),
            ("2021", Some("2021")),
        ] {
            let list = read(&format!(r#"[{{"title": "A", "issued": {issued}}}]"#));
            assert_eq!(list.references[0].paper.date.as_ref().map(|d| d.as_str()), day, "{issued}");
        }
    }
}
