//! Reference lists as reference managers write them: ids, BibTeX, RIS, CSL-JSON (Zotero's export). In BibTeX what an entry
//! takes from another (`crossref`, `xdata`) is not followed.

mod bibtex;

use serde_json::{Map, Value, json};

pub use crate::engine::Format;
use crate::engine::{Reference, ReferenceList, RejectedUnit};
use crate::error::{Error, Result};
use crate::paper::{Identifier, Paper};
use crate::user::Moment;

/// Reads a reference list. An entry that cannot be read is told with its line (in CSL-JSON its place), and the rest goes
/// on.
///
/// # Errors
/// [`Error::BadRequest`] when nothing of the text can be read, saying where; [`Error::Invalid`] when it can be and holds no
/// reference: no entry at all, or none with a title or a name.
pub fn references(text: &str, format: Format) -> Result<ReferenceList> {
    let text = text.trim_start_matches('\u{feff}');
    let format = if format == Format::Auto { guess(text) } else { format };
    let list = match format {
        Format::Bibtex => bibtex::bibtex(text),
        Format::Ris => ris(text),
        Format::Csl => csl(text)?,
        Format::Ids | Format::Auto => ids(text),
    };
    let list = ReferenceList { format, ..list };
    match list.rejected.first() {
        _ if !list.references.is_empty() => Ok(list),
        Some(first) => {
            let unit = match list.rejected_unit {
                RejectedUnit::Line => "line",
                RejectedUnit::Entry => "entry",
            };
            let message = format!("{unit} {}: {}", first.line, first.reason);
            Err(if list.legible { Error::Invalid(message) } else { Error::BadRequest(message) })
        }
        None => Err(Error::Invalid("the file holds no reference".into())),
    }
}

/// Reads a reference list from the bytes of a file, whatever characters they are in.
///
/// # Errors
/// As [`references`].
pub fn references_from_bytes(bytes: &[u8], format: Format) -> Result<ReferenceList> {
    let text = match encoding_rs::Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding.decode(bytes).0,
        None => match std::str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0,
        },
    };
    references(&text, format)
}

fn guess(text: &str) -> Format {
    let begin = text.trim_start();
    if begin.starts_with('[') || begin.starts_with('{') {
        Format::Csl
    } else if begin.lines().take(200).any(|l| l.starts_with("TY  -")) {
        Format::Ris
    } else if begin.lines().take(200).any(|l| bibtex::begins(l.trim_start())) {
        Format::Bibtex
    } else {
        Format::Ids
    }
}

fn ids(text: &str) -> ReferenceList {
    let mut list = ReferenceList::default();
    for (k, line) in text.lines().map(str::trim).enumerate().filter(|(_, l)| !l.is_empty() && !l.starts_with('#')) {
        list.add(k + 1, None, reference(&[("title", line.into())], Vec::new(), vec![line.to_string()], None));
    }
    list
}

/// The tags of a RIS entry with their values.
type Fields = Vec<(String, String)>;

fn ris(text: &str) -> ReferenceList {
    let mut list = ReferenceList::default();
    // The entry that is open, with the line it begins on; whether the lines before belonged to none.
    let (mut open, mut astray): (Option<(usize, Fields)>, bool) = (None, false);
    for (k, line) in text.lines().enumerate() {
        let tag = line.get(..2).filter(|_| line.get(2..).is_some_and(|rest| rest.trim_start().starts_with('-')));
        let value = || line.get(2..).unwrap_or_default().trim_start().trim_start_matches('-').trim().to_string();
        match (tag, &mut open) {
            (Some("TY"), _) => {
                // One that was never closed ends where the next begins.
                if let Some((begin, fields)) = open.replace((k + 1, Vec::new())) {
                    list.add(begin, None, ris_entry(&fields));
                }
                astray = false;
            }
            (Some("ER"), _) => {
                if let Some((begin, fields)) = open.take() {
                    list.add(begin, None, ris_entry(&fields));
                }
            }
            (Some(tag), Some((_, fields))) => fields.push((tag.to_string(), value())),
            // A long value goes on in the next line.
            (None, Some((_, fields))) if !line.trim().is_empty() => {
                if let Some((_, last)) = fields.last_mut() {
                    *last = format!("{last} {}", line.trim());
                }
            }
            (_, None) if !line.trim().is_empty() && !astray => {
                list.reject(k + 1, None, "this is no RIS: no entry has begun with TY".into());
                astray = true;
            }
            _ => {}
        }
    }
    if let Some((begin, fields)) = open {
        list.add(begin, None, ris_entry(&fields));
    }
    list
}

fn ris_entry(fields: &[(String, String)]) -> Option<Reference> {
    let first = |tags: &[&str]| tags.iter().find_map(|t| fields.iter().find(|(tag, _)| tag == t)).map(|f| f.1.clone());
    let all = |tags: &[&str]| -> Vec<String> {
        fields.iter().filter(|(t, _)| tags.contains(&t.as_str())).map(|f| f.1.clone()).collect()
    };
    let mut own = vec![("title", first(&["TI", "T1", "CT"]).unwrap_or_default())];
    own.extend(first(&["AB", "N2"]).map(|a| ("abstract", a)));
    own.extend(first(&["DA", "PY", "Y1"]).map(|d| ("date", d.trim_end_matches('/').replace('/', "-"))));
    let mut names: Vec<String> = all(&["DO"]).iter().map(|d| format!("doi:{d}")).collect();
    names.extend(all(&["UR", "L1", "L2", "M3", "AN", "C7"]));
    reference(&own, all(&["AU", "A1"]), names, None)
}

fn csl(text: &str) -> Result<ReferenceList> {
    let value: Value =
        serde_json::from_str(text).map_err(|e| Error::BadRequest(format!("this is no CSL-JSON: {e}")))?;
    let items = match value {
        Value::Array(items) => items,
        Value::Object(mut fields) => match fields.remove("items") {
            Some(Value::Array(items)) => items,
            _ => vec![Value::Object(fields)],
        },
        _ => return Err(Error::BadRequest("this is no CSL-JSON: a list of items is wanted".into())),
    };
    let read = |item: &Value| {
        let text = |name: &str| item[name].as_str().map(str::to_string);
        let mut fields = vec![("title", text("title").unwrap_or_default())];
        fields.extend(text("abstract").map(|a| ("abstract", a)));
        let parts = item["issued"]["date-parts"][0].as_array().cloned().unwrap_or_default();
        let numbers: Vec<String> = parts
            .iter()
            .filter_map(|p| p.as_u64().or_else(|| p.as_str()?.parse().ok()))
            .enumerate()
            .map(|(k, n)| if k == 0 { format!("{n:04}") } else { format!("{n:02}") })
            .collect();
        if !numbers.is_empty() {
            fields.push(("date", numbers.join("-")));
        }
        let person = |p: &Value| {
            let part = |name: &str| p[name].as_str().unwrap_or_default();
            spaced(format!(
                "{} {} {} {}",
                part("given"),
                part("non-dropping-particle"),
                part("family"),
                part("literal")
            ))
        };
        let authors = item["author"].as_array().map_or_else(Vec::new, |a| a.iter().map(person).collect());
        let mut names: Vec<String> = text("DOI").map(|d| format!("doi:{d}")).into_iter().collect();
        names.extend(["URL", "number", "id", "note", "archive_location"].into_iter().filter_map(text));
        let added = text("dateAdded").or_else(|| text("accessed")).and_then(|t| moment(&t));
        reference(&fields, authors, names, added)
    };
    let mut list = ReferenceList { rejected_unit: RejectedUnit::Entry, ..ReferenceList::default() };
    for (k, item) in items.iter().enumerate() {
        list.add(k + 1, item["id"].as_str(), read(item));
    }
    Ok(list)
}

/// A reference from its fields; nothing for one with neither a title nor a name.
fn reference(
    fields: &[(&str, String)],
    authors: Vec<String>,
    names: Vec<String>,
    added: Option<Moment>,
) -> Option<Reference> {
    let mut paper = Map::new();
    for (name, value) in fields.iter().filter(|(_, v)| !v.trim().is_empty()) {
        paper.insert((*name).to_string(), spaced(value.clone()).into());
    }
    let title = paper.get("title").and_then(Value::as_str).map(str::to_string);
    let known = names.iter().find_map(|n| Some(Identifier::parse(n)?.key().to_string()));
    let id = match (&known, &title) {
        (Some(key), _) => key.clone(),
        (None, Some(title)) => {
            format!("text:{}", &blake3::hash(title.to_lowercase().as_bytes()).to_hex().as_str()[..24])
        }
        (None, None) => return None,
    };
    paper.entry("title").or_insert_with(|| id.clone().into());
    paper.insert("id".into(), id.into());
    paper.insert("authors".into(), json!(authors.into_iter().filter(|a| !a.is_empty()).collect::<Vec<_>>()));
    // What other programs call a date is often none; nothing here depends on it.
    let paper = Paper::from_json(Value::Object(paper.clone())).or_else(|_| {
        paper.remove("date");
        Paper::from_json(Value::Object(paper))
    });
    let names = names.into_iter().filter(|n| !n.trim().is_empty()).collect();
    Some(Reference { paper: paper.ok()?, names, titled: title.is_some(), added, line: 0, key: None })
}

fn moment(text: &str) -> Option<Moment> {
    let text = text.trim();
    Moment::parse(text).or_else(|_| Moment::parse(text.get(..10).unwrap_or_default())).ok()
}

fn spaced(text: String) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BIBTEX: &str = r"
        @comment{made by hand}
        @article{a, title = {On {\'E}tale {Things}}, author = {Doe, Jane and Max van Moritz}, doi = {10.1000/AB.1}, year = 2021}
        @misc{b, title={Preprints of Preprints}, eprint={2405.13729v2}, archivePrefix={arXiv}, date-added = {2026-02-03 10:11:12 +0100}}
        @article{c, title={Third}, journal={arXiv preprint arXiv:2401.00001}}
    ";
    const RIS: &str = "TY  - JOUR\r\nTI  - On Things\r\nAU  - Doe, Jane\r\nPY  - 2021/03/\r\nDO  - 10.1000/ab.1\r\nAB  - First line\r\nand second.\r\nER  - \r\n\r\nTY  - RPRT\r\nT1  - Without end\r\n";
    const CSL: &str = r#"[{"id": "http://z/1", "type": "article", "title": "On Things", "DOI": "10.1000/ab.1",
        "author": [{"family": "Doe", "given": "Jane"}], "issued": {"date-parts": [["2021", 3]]}}, {"title": "Only this"}]"#;

    fn of(text: &str) -> Vec<Reference> {
        let list = references(text, Format::Auto).expect("reads");
        assert_eq!(list.rejected, []);
        list.references
    }

    /// What goes in of a list, and what is told of the rest: line, key, and a word of the reason.
    fn check(text: &str, format: Format, good: &[&str], bad: &[(usize, Option<&str>, &str)]) {
        let list = references(text, format).expect("reads");
        let titles: Vec<&str> = list.references.iter().map(|r| r.paper.title.as_str()).collect();
        assert_eq!(titles, good, "{text}");
        let told: Vec<(usize, Option<&str>)> = list.rejected.iter().map(|r| (r.line, r.id.as_deref())).collect();
        assert_eq!(told, bad.iter().map(|b| (b.0, b.1)).collect::<Vec<_>>(), "{text}");
        for (told, (.., word)) in list.rejected.iter().zip(bad) {
            assert!(told.reason.contains(word), "{}", told.reason);
        }
    }

    #[test]
    fn a_broken_entry_costs_no_other() {
        use Format::{Bibtex, Csl, Ris};
        let broken = "@string{j = \"J\" # k}\n@article{a, title = {A \\{}, journal = j}\n\n@article{b,\n title {no sign}\n}\n\
            @article{c, title = {C}, year = 2021}, @misc{d, title={D}}\n% @misc{old, title={Old}}\n\
            @article{e, title = {never closed\n  @article{f, title = \"F\"}\n@misc{g, title = unknown}\n\
            @misc{c, title = {C again}}\n@comment{x}@misc{h, note = {n}}\n@string{k = {K}}\njane@doe.org {";
        let bad = [
            (4, Some("b"), "expected equals"),
            (9, Some("e"), "not closed"),
            (11, Some("g"), "unknown abbreviation"),
            (13, Some("h"), "neither"),
        ];
        check(broken, Bibtex, &["A {", "C", "D", "F", "C again"], &bad);
        // A list with a key that comes twice is read entry by entry, too.
        let odd = "@PreAmble{{\\newcommand{\\x}{}}}\n@comment{it's 5\" % {}\n@misc{a, title = \"A { brace in quotes\"}\n\
            @misc{a, title = \"A } brace in \\\" quotes\"} @misc{a, % here } it is\n title = {B %}, % and } here\n\
            year = 2021 % and } here\n}\n\
            @misc(c, title = {C}) @misc{d\"%{, title = {D}}\n@misc{e, title = \"never closed}\n@misc{f, title = {F}}\n\
            @inbook{g, crossref = {f}}\n@misc{h, title = {H}} @preamble{";
        let bad = [
            (4, Some("a"), "unexpected closing brace"),
            (8, Some("c"), "opening brace"),
            (9, Some("e"), "not closed"),
            (11, Some("g"), "crossref and xdata are not"),
        ];
        check(odd, Bibtex, &["A brace in quotes", "B %", "D", "F", "H"], &bad);
        let same = |keys: &str| format!("@misc{{a, title={{A}}}}\n@misc{{{keys}, title={{B}}}}");
        check(&same("b"), Bibtex, &["A", "B"], &[]);
        check(&same("a"), Bibtex, &["A", "B"], &[]);
        let astray =
            "By hand\nand foot\nTY  - JOUR\nTI  - A\nER  -\nUR  - x\n\nTY  - JOUR\nTY  - JOUR\nDO  - 10.1000/b\n";
        check(astray, Ris, &["A", "doi:10.1000/b"], &[(1, None, "TY"), (6, None, "TY"), (8, None, "neither")]);
        check(
            r#"[{"title": "A"}, {"id": "x"}, 5, {"DOI": "10.1000/b"}]"#,
            Csl,
            &["A", "doi:10.1000/b"],
            &[(2, Some("x"), "neither"), (3, None, "neither")],
        );
    }

    #[test]
    fn what_leads_on_for_ever_is_not_followed() {
        let round = "@string{a = b} @string{b = a # a}\n@misc{x, title = a}\n@misc{y, title={Y}}";
        check(round, Format::Bibtex, &["Y"], &[(2, Some("x"), "name each other")]);
        let doubling: String = (0..40).map(|k| format!("@string{{a{k} = a{} # a{}}}\n", k + 1, k + 1)).collect();
        let text = format!(
            "{doubling}@string{{a15 = {{long}}}}\n@misc{{x, title = a16}}\n@misc{{y, title={{Y}}, note = a14}}"
        );
        check(&text, Format::Bibtex, &["Y"], &[(42, Some("x"), "too much")]);
        let wide = format!(
            "@string{{b = {}}}\n@string{{a = {}}}\n@misc{{x, title = a # a}}\n@misc{{y, title={{Y}}}}",
            vec!["\"0123456789\""; 1000].join(" # "),
            vec!["b"; 1000].join(" # ")
        );
        check(&wide, Format::Bibtex, &["Y"], &[(3, Some("x"), "too much")]);
        let nested = ("\\a{".repeat(99_999), "}".repeat(99_999));
        let deep = format!("@misc{{x, title = {{{}X{}}}}}\n@misc{{y, title={{Y}}}}", nested.0, nested.1);
        check(&deep, Format::Bibtex, &["Y"], &[(1, Some("x"), "nested")]);
        let circle = "@misc{x, title={X}, crossref={y}}\n@misc{y, title={Y}, xdata={x, y}}\n\
            @misc{z, ids={w}, crossref={w}, title={Z}}";
        check(circle, Format::Bibtex, &["X", "Y", "Z"], &[]);
        check(&format!("{circle}\n@misc{{x"), Format::Bibtex, &["X", "Y", "Z"], &[(4, None, "BibTeX")]);
    }

    #[test]
    fn every_format_is_told_and_read() {
        let bib = of(BIBTEX);
        assert_eq!(
            bib.iter().map(|r| r.paper.id.as_str()).collect::<Vec<_>>(),
            ["doi:10.1000/ab.1", "arxiv:2405.13729", "arxiv:2401.00001"]
        );
        assert_eq!(bib[0].paper.title, "On Étale Things");
        assert_eq!(bib[0].paper.authors, ["Jane Doe", "Max van Moritz"]);
        assert_eq!(bib[1].added.map(|m| m.to_string()).as_deref(), Some("2026-02-03T00:00:00Z"));
        let ris = of(RIS);
        assert_eq!(
            (ris[0].paper.id.as_str(), ris[0].paper.summary.as_str()),
            ("doi:10.1000/ab.1", "First line and second.")
        );
        assert_eq!((ris[1].paper.title.as_str(), ris.len()), ("Without end", 2));
        let csl = of(CSL);
        assert_eq!((csl[0].paper.id.as_str(), csl[0].paper.authors[0].as_str()), ("doi:10.1000/ab.1", "Jane Doe"));
        assert_eq!(csl[0].paper.date.as_ref().map(ToString::to_string).as_deref(), Some("2021-03"));
        assert!(csl[1].titled && csl[1].paper.id.as_str().starts_with("text:"));
        let ids = of("# mine\n2405.13729\n\nhttps://doi.org/10.1000/ab.1\nsome/own:id\nA title of five words\n");
        assert_eq!(ids.len(), 4);
        assert_eq!(ids[2].names, ["some/own:id"]);
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for (text, format, word) in [
            ("@article{a, title = {never closed", Format::Auto, "BibTeX"),
            ("no entry", Format::Ris, "line 1"),
            ("[{\"title\": ", Format::Auto, "CSL-JSON"),
            ("5", Format::Csl, "CSL-JSON"),
            ("", Format::Auto, "no reference"),
            ("[]", Format::Auto, "no reference"),
        ] {
            let e = references(text, format).expect_err(text).to_string();
            assert!(e.contains(word), "{text:?}: {e}");
        }
    }

    #[test]
    fn what_can_be_read_and_names_nothing_is_not_allowed() {
        for (text, format, word) in [
            ("[{\"id\":\"x\"}]", Format::Auto, "entry 1: it has neither"),
            ("[5]", Format::Auto, "entry 1: it has neither"),
            ("\n@misc{a, note={n}}", Format::Auto, "line 2: it has neither"),
            ("@misc{a, xdata={b}}\n@misc{b, title {x}}", Format::Auto, "crossref and xdata are not followed"),
            ("TY  - JOUR\nER  - ", Format::Auto, "line 1: it has neither"),
            ("@preamble{{x}}", Format::Auto, "no reference"),
            ("[]", Format::Auto, "no reference"),
        ] {
            let e = references(text, format).expect_err(text);
            assert!(matches!(&e, Error::Invalid(told) if told.contains(word)), "{text:?}: {e:?}");
        }
        for (text, format) in [("@misc{b, title {x}}", Format::Auto), ("[5", Format::Auto), ("no entry", Format::Ris)] {
            let e = references(text, format);
            assert!(matches!(e, Err(Error::BadRequest(_))), "{text:?}: {e:?}");
        }
    }

    #[test]
    fn what_is_rejected_is_listed_up_to_a_thousand() {
        let text = format!("[{{\"title\": \"A\"}}{}]", ", 5".repeat(1500));
        let list = references(&text, Format::Auto).expect("reads");
        assert_eq!((list.rejected.len(), list.rejected_total), (1000, 1500));
        assert_eq!((list.rejected[999].line, list.rejected_unit), (1001, RejectedUnit::Entry));
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC{0,200}", k in 0usize..5) {
            let format = [Format::Auto, Format::Ids, Format::Bibtex, Format::Ris, Format::Csl][k];
            let _ = references(&text, format);
            let _ = references(&format!("TY  - {text}\nTI  - {text}\nER  -"), Format::Ris);
            let _ = references(&format!("@a{{b, title = {{{text}}}}}"), Format::Bibtex);
            let _ = references(&format!("@a{{b, title = {{X}}}}\n@{text}{{c = {text}}}\n@{text}"), Format::Bibtex);
        }
    }
}
