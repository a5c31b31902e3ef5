//! RIS as databases write it.

use super::date;
use super::draft::{Draft, moment};
use super::people::person;
use super::tagged::{Part, Record, Syntax, parts};
use crate::engine::ReferenceList;

/// The tags that there are, apart by blanks.
const TAGS: &str = " A1 A2 A3 A4 A5 A6 AB AD AN AR AU AV BN BT C1 C2 C3 C4 C5 C6 C7 C8 CA CL CN CP CR CT CY DA DB DE \
    DI DO DP DS ED EM EP ER ET FD H1 H2 ID IS J1 J2 JA JF JO JP K1 KW L1 L2 L3 L4 LA LB LK LL M1 M2 M3 MA N1 N2 NL NO \
    NV OL OP OV PA PB PM PP PS PT PU PY RD RI RN RP RT SE SF SL SN SO SP SR ST SV T1 T2 T3 TA TI TT TY U1 U2 U3 U4 U5 \
    U6 UN UR VL VO WT WV Y1 Y2 YR ";

/// A line with its tag, the blanks before the hyphen, and the value.
fn tagged(line: &str) -> Option<(&str, usize, &str)> {
    let line = line.trim_start_matches([' ', '\t', '\u{a0}', '\u{feff}']);
    let tag = line.get(..2).filter(|tag| {
        let bytes = tag.as_bytes();
        bytes[0].is_ascii_uppercase() && (bytes[1].is_ascii_uppercase() || bytes[1].is_ascii_digit())
    })?;
    let rest = &line[2..];
    let behind = rest.trim_start_matches([' ', '\t', '\u{a0}']);
    let blanks = rest[..rest.len() - behind.len()].chars().map(|c| if c == '\t' { 2 } else { 1 }).sum();
    // Some editors make a dash of the hyphen.
    let value = behind.strip_prefix(['-', '–'])?;
    let known = TAGS.contains(&format!(" {tag} "));
    let apart = value.is_empty() || value.starts_with(char::is_whitespace);
    // `ER-positive` is text, and so is `AB -ve`.
    ((blanks >= 2 && (known || apart)) || (blanks == 1 && known && apart)).then_some((tag, blanks, value))
}

/// Whether a line begins an entry.
pub fn begins(line: &str) -> bool {
    tagged(line).is_some_and(|(tag, ..)| tag == "TY")
}

/// Whether a text looks like it: an entry begins, or several lines have tags.
pub fn looks(text: &str) -> bool {
    let mut tags = std::collections::HashSet::new();
    for line in text.lines().take(500) {
        match tagged(line) {
            Some(("TY", ..)) => return true,
            Some((tag, ..)) => {
                tags.insert(tag);
            }
            None => {}
        }
    }
    tags.len() >= 3 && ["TI", "T1", "CT", "BT"].iter().any(|tag| tags.contains(tag))
}

/// The tag and the value of a line, in a list in which at least so many blanks stand before the hyphen.
fn tag(line: &str, least: usize) -> Option<(&str, &str)> {
    if line.trim() == "ER" {
        return Some(("ER", ""));
    }
    let (tag, blanks, value) = tagged(line)?;
    let ends = tag == "ER" && value.trim().is_empty();
    // The end has no value: with one it is text, or the file is odd enough to believe it.
    let wrapped = tag == "ER" && !ends && blanks < 2;
    ((blanks >= least || ends) && !wrapped).then_some((tag, value))
}

/// How many blanks stand before the hyphen at least. Who writes two does so everywhere; then a word and a hyphen apart by one
/// are text.
pub fn least_blanks(text: &str) -> usize {
    let least = text.lines().filter_map(tagged).filter(|(tag, ..)| *tag == "TY").map(|(_, blanks, _)| blanks).min();
    least.unwrap_or(1).min(2)
}

/// Whether a line begins an entry (`TY`) in a list with so many blanks, or ends one (`ER`).
pub fn limits(line: &str, least: usize) -> (bool, bool) {
    let tag = tag(line, least).map_or("", |(tag, _)| tag);
    (tag == "TY", tag == "ER")
}

/// Reads the entries of a list with so many blanks before the hyphens.
pub fn ris(text: &str, least: usize, list: &mut ReferenceList) {
    let syntax = Syntax {
        tag: &|line| tag(line, least),
        begins: |tag| tag == "TY",
        ends: |tag, _| tag == "ER",
        blank_ends: &|_| false,
    };
    for part in parts(text, &syntax) {
        match part {
            Part::Record(record) if record.has("TY") => list.add(record.line, record.first(&["ID"]), entry(&record)),
            Part::Record(record) => match entry(&record) {
                Some(read) => list.add(record.line, record.first(&["ID"]), Some(read)),
                None => list.reject(record.line, None, "this is no RIS: no entry has begun with TY".into()),
            },
            // `Provider: A database`, as some write it above the entries.
            Part::Astray(line, text)
                if is_heading(text) && list.references.is_empty() && list.part.unwrap_or_default() == 0 =>
            {
                let _ = line;
            }
            Part::Astray(line, _) => list.reject(line, None, "this is no RIS: no entry has begun with TY".into()),
        }
    }
}

fn is_heading(line: &str) -> bool {
    line.split_once(':').is_some_and(|(word, _)| word.chars().all(|c| c.is_alphabetic() || c == ' '))
}

fn entry(record: &Record<'_>) -> Option<crate::engine::Reference> {
    let first = |tags: &[&str]| record.first(tags).unwrap_or_default().to_string();
    let mut draft =
        Draft { title: first(&["TI", "T1", "CT", "BT"]), summary: first(&["AB", "N2"]), ..Draft::default() };
    draft.authors = record.all(&["AU", "A1"]).flat_map(|names| names.split(';')).map(person).collect();
    if draft.authors.is_empty() {
        draft.authors = record.all(&["A2", "A3", "ED"]).map(person).collect();
    }
    // The most exact of those that agree with the first.
    let dates: Vec<String> = record.all(&["PY", "Y1", "DA", "YR"]).filter_map(date::day).collect();
    draft.date = dates.iter().filter(|date| date.get(..4) == dates[0].get(..4)).max_by_key(|date| date.len()).cloned();
    draft.added = record.first(&["RD"]).and_then(moment);
    record.all(&["DO", "DI"]).for_each(|doi| draft.doi(doi));
    let places: Vec<String> = record.all(&["VL", "IS", "SP", "M1", "C7"]).map(str::to_string).collect();
    draft.journal(&first(&["JO", "JF", "T2", "JA", "J2", "BT"]), &places);
    record.all(&["N1", "M1", "M3", "M2", "C2", "C7", "AN", "L3", "NO", "U1"]).for_each(|text| draft.remark(text));
    let medline = ["DB", "DP"].iter().any(|tag| {
        record
            .first(&[tag])
            .is_some_and(|db| ["pubmed", "medline", "nlm"].iter().any(|w| db.to_lowercase().contains(w)))
    });
    if medline && let Some(id) = record.first(&["AN"]).filter(|id| id.trim().bytes().all(|b| b.is_ascii_digit())) {
        draft.pubmed("pmid", id);
    }
    // The id that a paper has here, where nothing else names it.
    if record.first(&["DB"]) == Some("paperkin") {
        record.all(&["AN"]).for_each(|id| draft.own_id(id));
    }
    record.all(&["PM"]).for_each(|id| draft.pubmed("pmid", id));
    for links in record.all(&["UR", "LK"]) {
        // Some put several on one line; a semicolon alone may be part of one.
        let links = links.replace(";http", "\nhttp").replace("; ", "\n");
        links.lines().for_each(|link| draft.name(link));
        if draft.url.is_empty() {
            draft.url = links.lines().next().unwrap_or_default().to_string();
        }
    }
    draft.keywords = record.all(&["KW", "K1"]).flat_map(|words| words.split(['\n', ';'])).map(str::to_string).collect();
    record.all(&["L1", "L2", "L4", "AN", "C7", "M3", "L3"]).for_each(|text| draft.identifier_in(text));
    draft.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ris(text: &str) -> ReferenceList {
        ReferenceList::of(|list| super::ris(text, least_blanks(text), list))
    }

    fn titles(text: &str) -> Vec<String> {
        ris(text).references.into_iter().map(|r| r.paper.title).collect()
    }

    #[test]
    fn a_word_with_a_hyphen_is_no_tag() {
        for wrapped in
            ["ER-positive tumours", "ER - positive tumours", "AB - negative blood", "TY-3 cells", "CT -scans"]
        {
            let list = ris(&format!("TY  - JOUR\nTI  - Outcomes in\n{wrapped}\nDO  - 10.1000/a\nER  - \n"));
            assert_eq!((list.references.len(), list.rejected_total), (1, 0), "{wrapped}");
            assert_eq!(list.references[0].paper.title, format!("Outcomes in {wrapped}"));
            assert_eq!(list.references[0].names, ["doi:10.1000/a"]);
        }
    }

    #[test]
    fn entries_are_told_apart_however_they_end() {
        for text in [
            "TY  - JOUR\nTI  - A\nER  - \nTY  - JOUR\nTI  - B\nER  - \n",
            "TY - JOUR\nTI - A\nER -\nTY - JOUR\nTI - B\nER -",
            "TY  - JOUR\nTI  - A\nTY  - JOUR\nTI  - B\n",
            "TY  - JOUR\nTI  - A\nER\nTY  - JOUR\nTI  - B\nER",
            "TI  - A\nAU  - Doe, J.\nER  - \nTY  - JOUR\nTI  - B\nER  - \n",
            "  TY  - JOUR\n  TI  - A\n  ER  - \n\n  TY  - JOUR\n  TI  - B\n  ER  - \n",
            "Provider: Somebody\nContent: text/plain\n\nTY  - JOUR\nT1  - A\nER  - \nTY  - BOOK\nBT  - B\nER  -",
            "TY\u{a0}\u{a0}- JOUR\nTI\u{a0}\u{a0}- A\nER\u{a0}\u{a0}- \nTY\t- JOUR\nTI\t- B\nER\t- \n",
        ] {
            assert_eq!(titles(text), ["A", "B"], "{text:?}");
            assert_eq!(ris(text).rejected_total, 0, "{text:?}");
            assert!(looks(text) || text.starts_with("TI"), "{text:?}");
        }
    }

    #[test]
    fn fields_come_under_many_tags() {
        let list = ris(
            "TY  - JOUR\nID  - doe1\nA1  - Doe, Jane, Jr.\nAU  - Roe, Max\nT1  - On Things\nJO  - J. Things\n\
            PY  - 2021/03/15/\nY2  - 2024/01/01\nN1  - doi: 10.1000/a\nM3  - Article\nUR  - https://arxiv.org/abs/2405.13729\n\
            N2  - First line\nand second.\nER  - \n",
        );
        let found = &list.references[0];
        assert_eq!((found.line, found.key.as_deref()), (1, Some("doe1")));
        assert_eq!(found.paper.authors, ["Jane Doe", "Max Roe"]);
        assert_eq!(found.paper.date.as_ref().map(|d| d.as_str()), Some("2021-03-15"));
        assert_eq!(found.paper.summary, "First line and second.");
        assert_eq!(found.names, ["doi:10.1000/a", "arxiv:2405.13729"]);
        for (field, name) in [
            ("M3  - 10.1000/a", "doi:10.1000/a"),
            ("L3  - https://doi.org/10.1000/a", "doi:10.1000/a"),
            ("JO  - CoRR\nVL  - abs/2405.13729", "arxiv:2405.13729"),
            ("T2  - arXiv preprint arXiv:2405.13729", "arxiv:2405.13729"),
            ("DO  - DOI: 10.1000/a", "doi:10.1000/a"),
        ] {
            let list = ris(&format!("TY  - JOUR\nTI  - T\n{field}\nER  - \n"));
            assert_eq!(list.references[0].names, [name], "{field}");
        }
    }
}
