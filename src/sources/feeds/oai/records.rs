//! Records as papers: arXiv's formats, and Dublin Core.

use jiff::ToSpan;
use jiff::civil::Date;

use super::super::super::references::xml::Element;
use super::super::record::{Record, given_first, is_withdrawn};
use crate::engine::Incoming;
use crate::paper::{Identifier, PaperDate};

/// Days behind its first version within which a record that did not change is as it was announced.
const ANNOUNCED: i32 = 10;

/// The id of the paper of a record: that of arXiv where it is one, else the record's own.
pub fn paper_id(record: &str) -> String {
    match record.strip_prefix("oai:arXiv.org:") {
        Some(id) => format!("arxiv:{id}"),
        None => record.to_string(),
    }
}

/// A record in the format `arXiv`.
pub fn arxiv(entry: usize, paper: &Element, stamp: Option<Date>) -> Incoming {
    let author = |a: &Element| {
        let parts = ["forenames", "keyname", "suffix"].map(|part| a.text_at(part));
        parts.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let authors: Vec<String> = paper.at("authors").iter().flat_map(|a| a.children("author")).map(author).collect();
    let (created, updated) = (paper.text_at("created"), paper.text_at("updated"));
    let mut record = common(paper);
    record.list("authors", authors).text("date", &created).text("updated", &updated);
    if updated.is_empty() || updated == created {
        record.text("listed", &announced(&created, stamp));
    }
    record.finish(entry)
}

/// A record in the format `arXivRaw`.
pub fn arxiv_raw(entry: usize, paper: &Element, stamp: Option<Date>) -> Incoming {
    let mut record = common(paper);
    let dates: Vec<String> = paper.children("version").map(|v| v.text_at("date")).collect();
    let (first, last) = (dates.first().map_or("", |d| d), dates.last().map_or("", |d| d));
    record.list("authors", names(&paper.text_at("authors"))).text("date", first);
    record.number("versions", (!dates.is_empty()).then_some(dates.len() as u64));
    match dates.len() {
        0 | 1 => record.text("listed", &announced(first, stamp)),
        _ => record.text("updated", last),
    };
    record.finish(entry)
}

/// The day on which a paper of one version was announced: that of its record, where it is close. Edits of thousands of records
/// give them a new day years later.
fn announced(created: &str, stamp: Option<Date>) -> String {
    let created = PaperDate::read(created).ok().and_then(|date| date.as_str().parse::<Date>().ok());
    match (created, stamp) {
        (Some(created), Some(stamp)) if (created..=created.saturating_add(ANNOUNCED.days())).contains(&stamp) => {
            stamp.to_string()
        }
        _ => String::new(),
    }
}

fn common(paper: &Element) -> Record {
    let id = paper.text_at("id");
    let comment = paper.text_at("comments");
    let mut record = Record::new(if id.is_empty() { String::new() } else { format!("arxiv:{id}") });
    record
        .text("title", &paper.text_at("title"))
        .text("abstract", &paper.text_at("abstract"))
        .list("categories", paper.text_at("categories").split_whitespace().map(str::to_string))
        .text("url", &format!("https://arxiv.org/abs/{id}"))
        // Several may stand there, one behind the other; the first is the article's.
        .text("doi", paper.text_at("doi").split_whitespace().next().unwrap_or_default())
        .text("venue", &paper.text_at("journal-ref"))
        .text("comment", &comment)
        .text("license", &paper.text_at("license"))
        .text("status", if is_withdrawn(&comment) { "withdrawn" } else { "" });
    record
}

/// Authors in one text: `A. One, B. Two (Inst A, Inst B) and C. Three`. What stands in brackets is where they work.
pub(in crate::sources) fn names(text: &str) -> Vec<String> {
    let (mut out, mut depth) = (String::new(), 0u32);
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    let parts = out.replace(" and ", ",");
    parts
        .split(',')
        .map(|name| name.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|n| !n.is_empty())
        .collect()
}

/// A record in Dublin Core. Every field may stand there several times, in any order, and hold anything.
pub fn dublin_core(entry: usize, id: &str, whole: &Element, paper: &Element) -> Incoming {
    let texts = |name: &str| paper.children(name).map(Element::text).filter(|t| !t.is_empty()).collect::<Vec<_>>();
    let identifiers = texts("identifier");
    let keys: Vec<String> =
        identifiers.iter().filter_map(|text| Some(Identifier::parse(text)?.key().to_string())).collect();
    let key = |kind: &str| keys.iter().find_map(|key| key.strip_prefix(kind)).unwrap_or_default();
    let url = identifiers.iter().find(|text| text.starts_with("http://") || text.starts_with("https://"));
    // The longest description is the abstract: others tell of pages and funding.
    let summary = texts("description").into_iter().max_by_key(String::len).unwrap_or_default();
    let mut record = Record::new(paper_id(id));
    record
        .text("title", texts("title").first().map_or("", |t| t))
        .text("abstract", &summary)
        .list("authors", texts("creator").into_iter().map(|name| given_first(&name)))
        .text("date", &earliest(&texts("date")))
        .list("keywords", texts("subject"))
        .list("categories", whole.at("header").iter().flat_map(|h| h.children("setSpec")).map(Element::text))
        .text("venue", texts("source").first().map_or("", |t| t))
        .text("organization", texts("publisher").first().map_or("", |t| t))
        .text("url", url.map_or("", |u| u))
        .text("doi", key("doi:"))
        .text("arxiv_id", key("arxiv:"))
        .text("pmid", key("pmid:"))
        .text("license", texts("rights").first().map_or("", |t| t));
    record.finish(entry)
}

/// Of several dates the first one, as exactly as it is told: of `2024` and `2024-05-22` the latter.
fn earliest(dates: &[String]) -> String {
    let mut dates: Vec<PaperDate> = dates.iter().filter_map(|date| PaperDate::read(date).ok()).collect();
    dates.sort_by_key(PaperDate::first_day);
    let Some(first) = dates.first() else { return String::new() };
    let same = dates.iter().filter(|date| date.as_str().starts_with(first.as_str()));
    same.max_by_key(|date| (date.as_str().len(), -date.first_day()))
        .map_or_else(String::new, |d| d.as_str().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_dates_the_first_counts_as_exactly_as_it_is_told() {
        for (dates, wanted) in [
            (vec!["2024", "2024-05-22", "2025-01-01"], "2024-05-22"),
            (vec!["2025-03", "2024-01"], "2024-01"),
            (vec!["n.d.", "2023-10-05T10:00:00Z"], "2023-10-05"),
            (vec!["soon"], ""),
        ] {
            assert_eq!(earliest(&dates.iter().map(|d| d.to_string()).collect::<Vec<_>>()), wanted, "{dates:?}");
        }
    }

    #[test]
    fn a_record_near_its_first_version_tells_when_it_was_announced() {
        let day = |text: &str| text.parse::<Date>().ok();
        assert_eq!(announced("2026-11-20", day("2026-11-23")), "2026-11-23");
        assert_eq!(announced("Fri, 20 Nov 2026 10:00:00 GMT", day("2026-11-23")), "2026-11-23");
        assert_eq!(announced("2019-11-20", day("2026-11-23")), "");
        assert_eq!(announced("2026-11-20", day("2026-11-19")), "");
    }

    #[test]
    fn where_authors_work_is_no_author() {
        assert_eq!(names("A. One, B. Two (Inst A, Inst B) and C. Three"), ["A. One", "B. Two", "C. Three"]);
    }
}
