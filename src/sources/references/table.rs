//! Tables with a head: CSV of Zotero, Scopus, PubMed, Web of Science and hand-made ones, whatever the order of columns.

use csv::{ReaderBuilder, StringRecord};

use super::date;
use super::draft::{Draft, moment};
use super::people::people;
use crate::cancel;
use crate::engine::{Reference, ReferenceList};
use crate::error::{Error, Result};

/// What a column can hold, and how it is headed: small letters and digits, the best first.
const COLUMNS: &[(Role, &[&str])] = &[
    (
        Role::Title,
        &["title", "articletitle", "documenttitle", "papertitle", "ti", "titles", "displayname", "paper", "name"],
    ),
    (
        Role::Authors,
        &[
            "authorfullnames",
            "authorsfullnames",
            "af",
            "authors",
            "author",
            "au",
            "creators",
            "creator",
            "authorshipsauthordisplayname",
        ],
    ),
    (Role::Date, &["publicationdate", "date", "datepublished", "published", "issued", "coverdate", "pd"]),
    (Role::Year, &["publicationyear", "year", "py", "pubyear", "yearpublished"]),
    (Role::Doi, &["doi", "di", "doilink", "doiurl", "digitalobjectidentifier", "articledoi"]),
    (Role::Url, &["url", "link", "urls", "links", "articleurl", "paperurl", "address"]),
    (Role::Abstract, &["abstract", "abstractnote", "ab", "summary"]),
    (Role::Remark, &["extra", "archivelocation", "callnumber"]),
    (Role::Pmid, &["pmid", "pubmedid", "pm", "pubmed"]),
    (Role::Pmcid, &["pmcid", "pmc"]),
    (Role::Arxiv, &["arxiv", "arxivid", "eprint", "arxivnumber"]),
    (Role::Id, &["id", "paperid", "identifier", "paperkinid"]),
    (
        Role::Journal,
        &["publicationtitle", "sourcetitle", "so", "journalbook", "journal", "publication", "venue", "source"],
    ),
    (Role::Volume, &["volume", "vl"]),
    (Role::Number, &["ar", "articlenumber", "artno", "artnumber", "number", "issue"]),
    (Role::Key, &["key", "citationkey", "ut", "eid", "utuniquewosid"]),
    (Role::Kind, &["itemtype"]),
    (Role::Added, &["dateadded", "addedat"]),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Role {
    Title,
    Authors,
    Date,
    Year,
    Doi,
    Url,
    Abstract,
    Remark,
    Pmid,
    Pmcid,
    Arxiv,
    Id,
    Journal,
    Volume,
    Number,
    Key,
    Kind,
    Added,
}

/// How a table is written.
struct Head {
    delimiter: u8,
    /// Web of Science writes quotes as they are.
    quoted: bool,
    columns: Vec<(Role, usize)>,
    /// Where the head begins.
    start: usize,
}

/// Bytes in which the head of a table is looked for, and columns that are looked at in it.
const LONGEST_HEAD: usize = 1 << 16;
const MOST_COLUMNS: usize = 1000;

fn begin(text: &str) -> &str {
    super::draft::head(text, LONGEST_HEAD)
}

/// Whether a text is the tab-delimited export of Web of Science.
pub fn is_wos(text: &str) -> bool {
    let head = begin(text.trim_start()).lines().next().unwrap_or_default();
    let head: Vec<&str> = head.split('\t').map(str::trim).take(MOST_COLUMNS).collect();
    head.contains(&"PT") && head.contains(&"TI") && head.len() > 5
}

/// Whether a text begins with the head of a table.
pub fn looks(text: &str) -> bool {
    head(text).is_some()
}

/// The head is the first row; a line for spreadsheets (`sep=;`) or on the data may stand above it.
fn head(text: &str) -> Option<Head> {
    let first = text.len() - text.trim_start().len();
    let lines = text[first..].match_indices('\n').map(|(at, _)| first + at + 1);
    // Further down, one name of a column may be anything.
    let sure = |head: &Head| head.start == first || head.columns.len() >= 2;
    std::iter::once(first).chain(lines).take(3).find_map(|start| head_at(text, start).filter(sure))
}

fn head_at(text: &str, start: usize) -> Option<Head> {
    let text = begin(&text[start..]);
    let quoted = !is_wos(text);
    let found = [b',', b'\t', b';', b'|'].into_iter().filter_map(|delimiter| {
        let cells = reader(text, delimiter, quoted).into_records().next()?.ok()?;
        let names: Vec<String> = cells.iter().take(MOST_COLUMNS).map(plain).collect();
        let columns: Vec<(Role, usize)> = COLUMNS
            .iter()
            .filter_map(|(role, known)| {
                Some((*role, known.iter().find_map(|known| names.iter().position(|name| name == known))?))
            })
            .collect();
        let naming = [Role::Title, Role::Doi, Role::Url, Role::Pmid, Role::Arxiv, Role::Id];
        let names_papers = columns.iter().any(|(role, _)| naming.contains(role));
        // One column alone is a table when its head is nothing else.
        let enough = columns.len() >= 2 || (cells.len() <= 3 && columns.len() == 1 && columns[0].0 != Role::Id);
        (names_papers && enough).then_some(Head { delimiter, quoted, columns, start })
    });
    found.max_by_key(|head| head.columns.len())
}

fn plain(cell: &str) -> String {
    cell.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn reader(text: &str, delimiter: u8, quoted: bool) -> csv::Reader<&[u8]> {
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .quoting(quoted)
        .from_reader(text.as_bytes())
}

/// Reads the rows of a table.
///
/// # Errors
/// [`Error::BadRequest`] when its first row is no head.
pub fn table(text: &str) -> Result<ReferenceList> {
    let head = head(text).ok_or_else(|| {
        let first = crate::paper::head(text.trim_start().lines().next().unwrap_or_default(), 60);
        Error::BadRequest(format!(
            "this is no table: its first row has to name the columns, one of them `title`, `DOI`, `URL`, `PMID` or \
             `arXiv`; it is {first:?}"
        ))
    })?;
    let mut list = ReferenceList::default();
    let before = text[..head.start].matches('\n').count();
    let body = &text[head.start..];
    let rows = reader(body, head.delimiter, head.quoted).into_records().skip(1);
    for row in rows.take_while(|_| cancel::check().is_ok()) {
        match row {
            Ok(row) => {
                let line = before + row.position().map_or(0, |p| line_of(body, p));
                take(&mut list, &head, line, &row);
            }
            Err(e) => {
                let line = before + e.position().map_or(0, |p| line_of(body, p));
                list.reject(line, None, format!("this row cannot be read: {e}"));
            }
        }
    }
    Ok(list)
}

/// The line a row begins on: the reader counts the empty lines before it as its own.
fn line_of(body: &str, position: &csv::Position) -> usize {
    let at = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let empty = body.get(at..).map_or(0, |rest| rest.bytes().take_while(|b| *b == b'\n').count());
    usize::try_from(position.line()).unwrap_or(usize::MAX) + empty
}

fn take(list: &mut ReferenceList, head: &Head, line: usize, row: &StringRecord) {
    let cell = |role: Role| -> &'_ str {
        head.columns.iter().find(|(known, _)| *known == role).and_then(|(_, k)| row.get(*k)).unwrap_or_default().trim()
    };
    let other = matches!(cell(Role::Kind).to_lowercase().as_str(), "attachment" | "note" | "annotation");
    if other || row.iter().all(|cell| cell.trim().is_empty()) {
        return;
    }
    let key = Some(cell(Role::Key)).filter(|key| !key.is_empty());
    list.add(line, key, entry(&cell));
}

fn entry<'r>(cell: &dyn Fn(Role) -> &'r str) -> Option<Reference> {
    let mut draft = Draft { title: cell(Role::Title).into(), summary: cell(Role::Abstract).into(), ..Draft::default() };
    if draft.summary == "[No abstract available]" {
        draft.summary.clear();
    }
    draft.authors = people(cell(Role::Authors));
    let (day, year) = (cell(Role::Date), cell(Role::Year));
    draft.date = date::day(day).or_else(|| date::day(&format!("{year} {day}"))).or_else(|| date::day(year));
    draft.added = moment(cell(Role::Added));
    draft.doi(cell(Role::Doi));
    draft.arxiv(cell(Role::Arxiv));
    draft.pubmed("pmid", cell(Role::Pmid));
    draft.pubmed("pmcid", cell(Role::Pmcid));
    draft.own_id(cell(Role::Id));
    draft.journal(cell(Role::Journal), &[Role::Volume, Role::Number].map(|role| cell(role).to_string()));
    draft.extra(cell(Role::Remark));
    draft.name(cell(Role::Url));
    draft.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> ReferenceList {
        assert!(looks(text), "{text}");
        table(text).expect("a table")
    }

    #[test]
    fn tables_of_programs_are_read() {
        let zotero = "\u{feff}\"Key\",\"Item Type\",\"Publication Year\",\"Author\",\"Title\",\"Publication Title\",\"DOI\",\"Url\",\
            \"Abstract Note\",\"Date\",\"Date Added\",\"Extra\"\n\"AB12\",\"journalArticle\",\"2021\",\"Doe, Jane; Roe, Max\",\"On \"\"things\"\"\",\"Things\",\
            \"10.1000/a\",\"\",\"First line\nand second, with a comma\",\"2021-03-15\",\"2024-01-02 03:04:05\",\"\"\n\
            \"CD34\",\"preprint\",\"2024\",\"Poe, Ann\",\"Another\",\"\",\"\",\"http://arxiv.org/abs/2405.13729\",\"\",\"2024-05\",\"2024-01-02 03:04:05\",\"arXiv:2405.13729 [cs]\"\n\
            \"EF56\",\"attachment\",\"\",\"\",\"Full Text\",\"\",\"\",\"\",\"\",\"\",\"\",\"\"\n";
        let list = read(zotero.trim_start_matches('\u{feff}'));
        assert_eq!((list.references.len(), list.rejected_total), (2, 0));
        let (a, b) = (&list.references[0], &list.references[1]);
        assert_eq!((a.paper.title.as_str(), a.key.as_deref(), a.line), ("On \"things\"", Some("AB12"), 2));
        assert_eq!(a.paper.authors, ["Jane Doe", "Max Roe"]);
        assert_eq!(a.paper.date.as_ref().map(|d| d.as_str()), Some("2021-03-15"));
        assert_eq!(a.added.map(|m| m.to_string()).as_deref(), Some("2024-01-02T03:04:05Z"));
        assert_eq!((b.names.as_slice(), b.line), (["arxiv:2405.13729".to_string()].as_slice(), 4));
        let scopus = "Authors,Author full names,Author(s) ID,Title,Year,Source title,Volume,DOI,Link,Abstract,EID\n\
            \"Doe J.; Roe M.\",\"Doe, Jane (57000000001); Roe, Max (57000000002)\",\"1; 2\",On things,2021,Things,3,10.1000/a,https://www.scopus.com/x,[No abstract available],2-s2.0-1\n";
        let list = read(scopus);
        assert_eq!(list.references[0].paper.authors, ["Jane Doe", "Max Roe"]);
        assert_eq!(
            (list.references[0].paper.summary.as_str(), list.references[0].key.as_deref()),
            ("", Some("2-s2.0-1"))
        );
        let pubmed = "PMID,Title,Authors,Citation,First Author,Journal/Book,Publication Year,Create Date,PMCID,NIHMS ID,DOI\n\
            \"99000001\",\"On things\",\"Doe J, Roe M.\",\"Things. 2021\",\"Doe J\",\"Things\",\"2021\",\"2021/03/15\",\"\",\"\",\"10.1000/a\"\n";
        let found = &read(pubmed).references[0];
        assert_eq!(
            (found.paper.authors.as_slice(), found.paper.id.as_str()),
            (["J Doe".to_string(), "M. Roe".into()].as_slice(), "doi:10.1000/a")
        );
        let wos = "PT\tAU\tAF\tTI\tSO\tAB\tPD\tPY\tDI\tUT\nJ\tDoe, J\tDoe, Jane; Roe, Max\t\"Things\" and more\tTHINGS\tText \"a\tMAR 15\t2021\t10.1000/a\tWOS:1\n";
        let found = &read(wos).references[0];
        assert!(is_wos(wos));
        assert_eq!(
            (found.paper.title.as_str(), found.paper.date.as_ref().map(|d| d.as_str())),
            ("\"Things\" and more", Some("2021-03-15"))
        );
    }

    #[test]
    fn other_tables_are_read_by_their_heads() {
        for text in [
            "doi\n10.1000/a\n\n10.1000/b\n",
            "Title;DOI\nA;10.1000/a\nB;10.1000/b\n",
            "\"About the data: exported on Jul 12, 2024\"\n\"Title\",\"DOI\"\nA,10.1000/a\nB,10.1000/b\n",
            "sep=,\nyear,doi\n2020,10.1000/a\n,10.1000/b\n",
            "note\tDOI\ttitle\nx\t10.1000/a\tA\n\t10.1000/b\tB\tmore\n",
            "DOI,Title\n10.1000/a\n\"10.1000/b\",\"B, and\nmore\"\n,\n",
        ] {
            let list = read(text);
            let ids: Vec<&str> = list.references.iter().map(|r| r.paper.id.as_str()).collect();
            assert_eq!(
                (ids.as_slice(), list.rejected_total),
                (["doi:10.1000/a", "doi:10.1000/b"].as_slice(), 0),
                "{text}"
            );
        }
        let list = read("title,doi,year\nA,,\n,,2020\n\nC,,\n");
        assert_eq!(list.references.iter().map(|r| r.line).collect::<Vec<_>>(), [2, 5]);
        assert_eq!(list.rejected.iter().map(|r| r.line).collect::<Vec<_>>(), [3]);
        for text in ["On things, and others\nMore", "a,b\n1,2", "", "Dear all,\ntitle"] {
            assert!(!looks(text), "{text}");
        }
        assert!(table("a,b\n1,2").expect_err("no head").to_string().contains("title"));
    }
}
