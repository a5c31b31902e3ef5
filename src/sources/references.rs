//! Reference lists as reference managers write them: ids, BibTeX, RIS, CSL-JSON (Zotero's export).

use biblatex::{Bibliography, ChunksExt};
use serde_json::{Map, Value, json};

use crate::engine::Reference;
use crate::error::{Error, Result};
use crate::paper::{Paper, identifier_key};
use crate::user::Moment;

/// How a reference list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Told from how the text begins.
    #[default]
    Auto,
    /// An id, arXiv id, DOI, address or title a line.
    Ids,
    /// `@article{...}`; BibLaTeX too.
    Bibtex,
    /// `TY  - JOUR` and so on.
    Ris,
    /// A JSON list of items.
    Csl,
}

/// Reads a reference list.
///
/// # Errors
/// [`Error::BadRequest`] when the text is not of the format, saying where; [`Error::Invalid`] when it holds no reference.
pub fn references(text: &str, format: Format) -> Result<Vec<Reference>> {
    let text = text.trim_start_matches('\u{feff}');
    let found = match if format == Format::Auto { guess(text) } else { format } {
        Format::Bibtex => bibtex(text)?,
        Format::Ris => ris(text)?,
        Format::Csl => csl(text)?,
        Format::Ids | Format::Auto => ids(text),
    };
    if found.is_empty() {
        return Err(Error::Invalid("the file holds no reference".into()));
    }
    Ok(found)
}

fn guess(text: &str) -> Format {
    let begin = text.trim_start();
    let entry = |line: &str| {
        line.trim_start().strip_prefix('@').is_some_and(|rest| {
            let kind = rest.split(['{', '(']).next().unwrap_or_default().trim();
            !kind.is_empty() && kind.len() < rest.len() && kind.bytes().all(|b| b.is_ascii_alphabetic())
        })
    };
    if begin.starts_with('[') || begin.starts_with('{') {
        Format::Csl
    } else if begin.lines().take(200).any(|l| l.starts_with("TY  -")) {
        Format::Ris
    } else if begin.lines().take(200).any(entry) {
        Format::Bibtex
    } else {
        Format::Ids
    }
}

fn ids(text: &str) -> Vec<Reference> {
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    lines.filter_map(|line| reference(&[("title", line.into())], vec![line.to_string()], None)).collect()
}

fn bibtex(text: &str) -> Result<Vec<Reference>> {
    let bibliography = Bibliography::parse(text).map_err(|e| {
        let line = text.get(..e.span.start).map_or(1, |before| before.lines().count().max(1));
        Error::BadRequest(format!("line {line}: this is no BibTeX: {}", e.kind))
    })?;
    let read = |entry: &biblatex::Entry| {
        let field = |name: &str| entry.get(name).map(|chunks| chunks.format_verbatim().trim().to_string());
        let mut fields = vec![("title", field("title").unwrap_or_default())];
        fields.extend(field("abstract").map(|a| ("abstract", a)));
        let authors = entry.author().unwrap_or_default();
        let authors: Vec<String> =
            authors.iter().map(|p| format!("{} {} {}", p.given_name, p.prefix, p.name)).map(spaced).collect();
        let date = ["date", "year"].into_iter().find_map(field);
        fields.extend(date.map(|d| ("date", d)));
        let mut names: Vec<String> = field("doi").map(|d| format!("doi:{d}")).into_iter().collect();
        // `eprint` is an arXiv id where the archive is not said to be another.
        let archive = field("archiveprefix").or_else(|| field("eprinttype")).unwrap_or_else(|| "arxiv".into());
        if archive.eq_ignore_ascii_case("arxiv") {
            names.extend(field("eprint").map(|e| format!("arxiv:{}", e.trim_start_matches("arXiv:"))));
        }
        names.extend(field("url"));
        names.extend(field("note").filter(|n| identifier_key(n).is_some()));
        names.extend(field("journal").or_else(|| field("journaltitle")).and_then(|j| arxiv_in(&j)));
        let added = ["date-added", "timestamp"].into_iter().find_map(field).and_then(|t| moment(&t));
        reference_by(&fields, authors, names, added)
    };
    Ok(bibliography.iter().filter_map(read).collect())
}

fn ris(text: &str) -> Result<Vec<Reference>> {
    let (mut out, mut fields): (Vec<Reference>, Option<Vec<(String, String)>>) = (Vec::new(), None);
    for (k, line) in text.lines().enumerate() {
        let tag = line.get(..2).filter(|_| line.get(2..).is_some_and(|rest| rest.trim_start().starts_with('-')));
        let value = || line.get(2..).unwrap_or_default().trim_start().trim_start_matches('-').trim().to_string();
        match (tag, &mut fields) {
            (Some("TY"), _) => fields = Some(Vec::new()),
            (Some("ER"), open) => out.extend(open.take().and_then(|f| ris_entry(&f))),
            (Some(tag), Some(open)) => open.push((tag.to_string(), value())),
            // A long value goes on in the next line.
            (None, Some(open)) if !line.trim().is_empty() => {
                if let Some((_, last)) = open.last_mut() {
                    *last = format!("{last} {}", line.trim());
                }
            }
            (_, None) if !line.trim().is_empty() => {
                return Err(Error::BadRequest(format!("line {}: this is no RIS: no entry has begun with TY", k + 1)));
            }
            _ => {}
        }
    }
    out.extend(fields.and_then(|f| ris_entry(&f)));
    Ok(out)
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
    reference_by(&own, all(&["AU", "A1"]), names, None)
}

fn csl(text: &str) -> Result<Vec<Reference>> {
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
        let mut fields = vec![("title", text("title")?)];
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
        reference_by(&fields, authors, names, added)
    };
    Ok(items.iter().filter_map(read).collect())
}

fn reference(fields: &[(&str, String)], names: Vec<String>, added: Option<Moment>) -> Option<Reference> {
    reference_by(fields, Vec::new(), names, added)
}

/// A reference from its fields; nothing for one with neither a title nor a name.
fn reference_by(
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
    let known = names.iter().find_map(|n| identifier_key(n));
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
    Some(Reference { paper: paper.ok()?, names, titled: title.is_some(), added })
}

/// `arXiv preprint arXiv:2405.13729` in place of a journal.
fn arxiv_in(journal: &str) -> Option<String> {
    let at = journal.to_lowercase().rfind("arxiv:")?;
    journal.get(at..)?.split_whitespace().next().map(str::to_string)
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
        references(text, Format::Auto).expect("reads")
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

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC{0,200}", k in 0usize..5) {
            let format = [Format::Auto, Format::Ids, Format::Bibtex, Format::Ris, Format::Csl][k];
            let _ = references(&text, format);
            let _ = references(&format!("TY  - {text}\nTI  - {text}\nER  -"), Format::Ris);
            let _ = references(&format!("@a{{b, title = {{{text}}}}}"), Format::Bibtex);
        }
    }
}
