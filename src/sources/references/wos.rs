//! Web of Science: `FN`, `VR`, then entries from `PT` to `ER`, `EF` at the end. Its tab-delimited export is a table.

use super::date;
use super::draft::Draft;
use super::people::person;
use super::tagged::{Part, Record, Syntax, parts};
use crate::engine::{Reference, ReferenceList};

fn tag(line: &str) -> Option<(&str, &str)> {
    let tag = line.get(..2).filter(|tag| {
        let bytes = tag.as_bytes();
        bytes[0].is_ascii_uppercase() && (bytes[1].is_ascii_uppercase() || bytes[1].is_ascii_digit())
    })?;
    let value = &line[2..];
    (value.trim().is_empty() || value.starts_with(' ')).then_some((tag, value))
}

/// Whether a text looks like it.
pub fn looks(text: &str) -> bool {
    let has = |begin: &str| text.lines().take(500).any(|line| line.starts_with(begin));
    let begins = ["PT J", "PT B", "PT S", "PT P", "PT C"].iter().any(|begin| has(begin));
    begins && (has("FN ") || has("AU ") || has("TI ")) && !text.lines().take(1).any(|line| line.contains('\t'))
}

/// Whether a line begins an entry.
pub fn begins(line: &str) -> bool {
    tag(line.trim_start_matches('\u{feff}')).is_some_and(|(tag, _)| tag == "PT")
}

/// Reads the entries of a list.
pub fn tagged(text: &str, list: &mut ReferenceList) {
    let syntax = Syntax {
        tag: &|line| tag(line.trim_start_matches('\u{feff}')).filter(|(tag, _)| !matches!(*tag, "FN" | "VR")),
        begins: |tag| tag == "PT",
        ends: |tag, value| (tag == "ER" || tag == "EF") && value.trim().is_empty(),
        blank_ends: &|_| false,
    };
    for part in parts(text, &syntax) {
        match part {
            Part::Record(record) => list.add(record.line, record.first(&["UT"]), entry(&record)),
            Part::Astray(_, text) if text.starts_with("FN ") || text.starts_with("VR ") => {}
            Part::Astray(line, _) => list.reject(line, None, "no entry has begun with PT".into()),
        }
    }
}

fn entry(record: &Record<'_>) -> Option<Reference> {
    let first = |tags: &[&str]| record.first(tags).unwrap_or_default().to_string();
    let mut draft = Draft { title: first(&["TI"]), summary: first(&["AB"]), venue: first(&["SO"]), ..Draft::default() };
    let people = [["AF"], ["AU"], ["CA"], ["BE"]].into_iter().find(|tags| record.first(tags).is_some());
    if let Some(tags) = people {
        draft.authors = record.all(&tags).flat_map(str::lines).map(person).collect();
    }
    // `PD MAR 15` stands beside `PY 2021`.
    draft.date = date::day(&format!("{} {}", first(&["PY"]), first(&["PD"]))).or_else(|| date::day(&first(&["EA"])));
    draft.keywords = record.all(&["DE"]).flat_map(|words| words.split(';')).map(str::to_string).collect();
    draft.categories = record.all(&["WC"]).flat_map(|kinds| kinds.split(';')).map(str::to_string).collect();
    record.all(&["DI"]).for_each(|doi| draft.doi(doi));
    record.all(&["PM"]).for_each(|id| draft.pubmed("pmid", id));
    let places: Vec<String> = record.all(&["VL", "AR", "BP"]).map(str::to_string).collect();
    draft.journal(&first(&["SO"]), &places);
    // The book's, where the chapter has none.
    if let Some(doi) = record.first(&["D2"]).filter(|_| !draft.is_named()) {
        draft.doi(doi);
    }
    draft.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_is_read() {
        let text = "FN Clarivate Analytics Web of Science\nVR 1.0\nPT J\nAU Doe, J\n   Roe, M\nAF Doe, Jane\n   Roe, Max\n\
            TI On Things that\n   go on\nSO J THINGS\nAB First line\n   and second.\nPD MAR 15\nPY 2021\nVL 3\n\
            DI 10.1000/a\nUT WOS:000000000000001\nPM 99000001\nER\n\nPT C\nAU Poe, A\nTI ER and PT\n   ER of cells\nER\n\nEF\n";
        assert!(looks(text));
        let list = ReferenceList::of(|list| tagged(text, list));
        assert_eq!((list.references.len(), list.rejected_total), (2, 0));
        let found = &list.references[0];
        assert_eq!((found.paper.title.as_str(), found.line), ("On Things that go on", 3));
        assert_eq!(found.paper.authors, ["Jane Doe", "Max Roe"]);
        assert_eq!(found.paper.date.as_ref().map(|d| d.as_str()), Some("2021-03-15"));
        assert_eq!(found.paper.id.as_str(), "doi:10.1000/a");
        assert_eq!(list.references[1].paper.title, "ER and PT ER of cells");
    }
}
