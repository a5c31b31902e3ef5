//! EndNote: tagged text (`.enw`, and refer, from which it comes) and XML.

use super::date;
use super::draft::Draft;
use super::people::person;
use super::tagged::{Part, Record, Syntax, parts};
use super::xml::{Element, elements, parse};
use crate::cancel;
use crate::engine::{Reference, ReferenceList};

fn tag(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start_matches('\u{feff}');
    let sign = line.strip_prefix('%').and_then(|rest| rest.chars().next())?;
    let known = sign.is_ascii_uppercase() || sign.is_ascii_digit() || "@!#$?&(*+^<>=~[]".contains(sign);
    let value = &line.get(2..)?;
    (known && (value.is_empty() || value.starts_with([' ', '\t']))).then_some((&line[1..2], value))
}

/// Whether a text looks like the tagged form.
pub fn looks(text: &str) -> bool {
    let mut tags = std::collections::HashSet::new();
    tags.extend(text.lines().take(500).filter_map(tag).map(|(tag, _)| tag));
    tags.contains("T") && tags.len() >= 2 && ["0", "A", "D", "J", "I", "B"].iter().any(|tag| tags.contains(tag))
}

/// Whether a line of the tagged form begins a field.
pub fn has_tag(line: &str) -> bool {
    tag(line).is_some()
}

/// Whether a line begins an entry of the tagged form.
pub fn begins(line: &str) -> bool {
    line.trim_start_matches('\u{feff}').starts_with("%0 ")
}

/// Reads the tagged form; `typed` says whether every entry begins with its kind.
pub fn tagged(text: &str, typed: bool, list: &mut ReferenceList) {
    let syntax = Syntax {
        tag: &tag,
        begins: |tag| tag == "0",
        ends: |_, _| false,
        // A blank line may stand in an abstract; with types, each entry begins with its own.
        blank_ends: &|rest| match rest.trim_start().lines().next().and_then(tag) {
            Some((tag, _)) => !typed || tag == "0",
            None => false,
        },
    };
    for part in parts(text, &syntax) {
        match part {
            Part::Record(record) => list.add(record.line, record.first(&["F", "M"]), entry(&record)),
            Part::Astray(line, _) => list.reject(line, None, "no entry has begun with %0, %A or %T".into()),
        }
    }
}

fn entry(record: &Record<'_>) -> Option<Reference> {
    let first = |tags: &[&str]| record.first(tags).unwrap_or_default().to_string();
    let mut draft = Draft { title: first(&["T", "Q"]), summary: first(&["X"]), ..Draft::default() };
    let people = if record.has("A") { "A" } else { "E" };
    draft.authors = record.all(&[people]).flat_map(str::lines).map(person).collect();
    draft.date = [first(&["8"]), format!("{} {}", first(&["D"]), first(&["8"])), first(&["D"]), first(&["7"])]
        .iter()
        .find_map(|text| date::day(text));
    record.all(&["R"]).for_each(|doi| draft.doi(doi));
    let places: Vec<String> = record.all(&["V", "N", "P", "I"]).map(str::to_string).collect();
    draft.journal(&first(&["J", "B", "I"]), &places);
    draft.keywords = record.all(&["K"]).flat_map(str::lines).map(str::to_string).collect();
    record.all(&["M", "Z", "1", "2", "3", "4", "9", "<"]).for_each(|text| draft.remark(text));
    draft.url = first(&["U"]);
    record.all(&["U"]).flat_map(str::lines).for_each(|link| draft.name(link));
    record.all(&[">"]).flat_map(str::lines).for_each(|link| draft.identifier_in(link));
    draft.finish()
}

/// Reads EndNote's XML.
pub fn xml(text: &str, list: &mut ReferenceList) {
    for (line, part) in elements(text, &["record"]) {
        if cancel::check().is_err() {
            break;
        }
        match parse(part) {
            Ok(record) => list.add(line, Some(&record.text_at("rec-number")), record_of(&record)),
            Err(why) => list.reject(line, None, why),
        }
    }
}

fn record_of(record: &Element) -> Option<Reference> {
    let mut draft =
        Draft { title: record.text_at("titles/title"), summary: record.text_at("abstract"), ..Draft::default() };
    let people = ["contributors/authors", "contributors/secondary-authors"].iter().find_map(|path| record.at(path));
    draft.authors = people.map_or_else(Vec::new, |list| list.children("author").map(|a| person(&a.text())).collect());
    let (year, day) = (record.text_at("dates/year"), record.text_at("dates/pub-dates/date"));
    draft.date = date::day(&format!("{year} {day}")).or_else(|| date::day(&year)).or_else(|| date::day(&day));
    draft.doi(&record.text_at("electronic-resource-num"));
    let places = ["volume", "number", "pages"].map(|name| record.text_at(name));
    let journals = ["periodical/full-title", "titles/secondary-title", "periodical/abbr-1"];
    draft.journal(
        &journals.map(|path| record.text_at(path)).into_iter().find(|j| !j.is_empty()).unwrap_or_default(),
        &places,
    );
    let words = record.at("keywords").into_iter().flat_map(|list| list.children("keyword"));
    draft.keywords = words.map(Element::text).collect();
    let remarks = ["custom1", "custom2", "custom3", "custom7", "notes", "label", "accession-num", "work-type"];
    remarks.iter().for_each(|name| draft.remark(&record.text_at(name)));
    let database = record.text_at("remote-database-name").to_lowercase();
    let number = record.text_at("accession-num");
    if (database.contains("pubmed") || database.contains("medline") || database.contains("nlm"))
        && number.bytes().all(|b| b.is_ascii_digit())
    {
        draft.pubmed("pmid", &number);
    }
    for (path, names) in [("urls/related-urls", true), ("urls/web-urls", true), ("urls/text-urls", false)] {
        for url in record.at(path).into_iter().flat_map(|urls| urls.children("url")) {
            if names { draft.name(&url.text()) } else { draft.identifier_in(&url.text()) }
        }
    }
    draft.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tagged_text_is_read() {
        let text = "%0 Journal Article\n%T On things\n%A Doe, Jane\n%A Roe, Max\n%D 2021\n%8 March 15, 2021\n%J Things\n\
            %R 10.1000/a\n%X First.\n\n50% of the rest.\n%U https://arxiv.org/abs/2405.13729\n\n%0 Generic\n%T Another\n%Z doi: 10.1000/b\n";
        assert!(looks(text));
        let read = |text: &str| ReferenceList::of(|list| tagged(text, text.lines().any(begins), list));
        let list = read(text);
        assert_eq!((list.references.len(), list.rejected_total), (2, 0));
        let found = &list.references[0];
        assert_eq!(found.paper.authors, ["Jane Doe", "Max Roe"]);
        assert_eq!(found.paper.date.as_ref().map(|d| d.as_str()), Some("2021-03-15"));
        assert_eq!(found.names, ["doi:10.1000/a", "arxiv:2405.13729"]);
        assert_eq!(found.paper.summary, "First. 50% of the rest.");
        assert_eq!(list.references[1].names, ["doi:10.1000/b"]);
        let refer = "%A Jane Doe\n%T On things\n%D 2021\n\n%A Max Roe\n%T Another\n";
        assert!(looks(refer));
        assert_eq!(read(refer).references.len(), 2);
        assert!(!looks("% Encoding: UTF-8\n%T The list\n@misc{a, title={A}}"));
    }

    #[test]
    fn xml_is_read() {
        let style = |text: &str| format!("<style face=\"normal\" font=\"default\" size=\"100%\">{text}</style>");
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" ?><xml><records><record><rec-number>7</rec-number>\
            <ref-type name=\"Journal Article\">17</ref-type><contributors><authors><author>{}</author><author>{}</author></authors></contributors>\
            <titles><title>{}{}</title><secondary-title>Things</secondary-title></titles><dates><year>{}</year>\
            <pub-dates><date>Mar 15</date></pub-dates></dates><abstract>Text &amp; more</abstract>\
            <electronic-resource-num>{}</electronic-resource-num><urls><related-urls><url>https://arxiv.org/abs/2405.13729</url></related-urls></urls>\
            </record><record><titles><title>B</titles></record></records></xml>",
            style("Doe, Jane"),
            style("Roe, Max"),
            style("On "),
            style("things"),
            style("2021"),
            style("10.1000/a")
        );
        let list = ReferenceList::of(|list| xml(&text, list));
        assert_eq!((list.references.len(), list.rejected_total), (1, 1));
        let found = &list.references[0];
        assert_eq!((found.paper.title.as_str(), found.key.as_deref()), ("On things", Some("7")));
        assert_eq!(found.paper.authors, ["Jane Doe", "Max Roe"]);
        assert_eq!(found.paper.date.as_ref().map(|d| d.as_str()), Some("2021-03-15"));
        assert_eq!(found.names, ["doi:10.1000/a", "arxiv:2405.13729"]);
        assert_eq!(found.paper.summary, "Text & more");
    }
}
