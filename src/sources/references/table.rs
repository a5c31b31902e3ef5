//! Tables with a head: CSV of Zotero, Scopus, PubMed, Web of Science and hand-made ones, whatever the order of columns.

use std::collections::BTreeMap;

use csv::{ReaderBuilder, StringRecord};

use super::columns::{COLUMNS, Role};
use super::date;
use super::draft::{Draft, moment};
use super::people::people;
use crate::cancel;
use crate::engine::ReferenceList;
use crate::error::{Error, Result};

/// How a table is written.
#[derive(Debug, Clone)]
pub struct Head {
    /// What stands between two cells.
    pub delimiter: u8,
    /// Web of Science writes quotes as they are.
    pub quoted: bool,
    columns: Vec<(Role, usize)>,
    /// How its columns are headed.
    names: Vec<String>,
    /// Where the head begins, in bytes.
    pub start: usize,
}

/// Bytes in which the head of a table is looked for, and columns that are looked at in it.
const LONGEST_HEAD: usize = 1 << 16;
const MOST_COLUMNS: usize = 1000;

/// What may stand between two cells.
pub const DELIMITERS: &[u8] = b",\t;|";

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
    head_of(text, &BTreeMap::new(), DELIMITERS).ok().flatten()
}

/// The head of a table with one of these delimiters, of which somebody may have said which column is which field.
///
/// # Errors
/// [`Error::Invalid`] for a field or a column that does not exist, with those that there are.
pub fn head_of(text: &str, said: &BTreeMap<String, String>, delimiters: &[u8]) -> Result<Option<Head>> {
    let said: Vec<(Role, &str)> = said
        .iter()
        .map(|(field, column)| {
            let known = COLUMNS.iter().find(|(_, known, _)| known == field).map(|(role, ..)| *role);
            known.map(|role| (role, column.trim())).ok_or_else(|| no_field(field))
        })
        .collect::<Result<_>>()?;
    let first = text.len() - text.trim_start().len();
    let lines = text[first..].match_indices('\n').map(|(at, _)| first + at + 1);
    let starts: Vec<usize> = std::iter::once(first).chain(lines).take(3).collect();
    // Further down, one name of a column may be anything.
    let sure = |head: &Head| head.start == first || head.columns.len() >= 2;
    let found = starts.iter().find_map(|start| head_at(text, *start, &said, delimiters).filter(sure));
    if found.is_none() && !said.is_empty() {
        let most = |start: &usize| delimiters.iter().map(|d| names(begin(&text[*start..]), *d, true).len()).max();
        // Of equals the first.
        let start = starts.iter().rev().max_by_key(|start| most(start)).copied().unwrap_or(first);
        let columns = delimiters.iter().map(|d| names(begin(&text[start..]), *d, true)).max_by_key(Vec::len);
        let columns = columns.unwrap_or_default();
        let missing = said.iter().find(|(_, column)| place_of(&columns, column).is_none());
        if let Some((_, column)) = missing {
            let there: Vec<String> = columns.iter().take(50).map(|c| crate::paper::head(c, 40)).collect();
            return Err(Error::Invalid(format!(
                "the table has no column {:?}; its columns are: {}",
                crate::paper::head(column, 60),
                there.join(", ")
            )));
        }
    }
    Ok(found)
}

/// The error for a field that no column can be.
pub fn no_field(field: &str) -> Error {
    Error::Invalid(format!(
        "{:?} is no field that a column can be; there are {}",
        crate::paper::head(field, 40),
        COLUMNS.iter().map(|(_, field, _)| *field).collect::<Vec<_>>().join(", ")
    ))
}

/// The column of a name: as it is written, else whatever its capitals, blanks and accents.
fn place_of(names: &[String], column: &str) -> Option<usize> {
    let same = |name: &String| plain(name) == plain(column) && !plain(column).is_empty();
    names.iter().position(|name| name == column).or_else(|| names.iter().position(same))
}

fn names(text: &str, delimiter: u8, quoted: bool) -> Vec<String> {
    let row = reader(text, delimiter, quoted).into_records().next();
    let cells = row.and_then(std::result::Result::ok).unwrap_or_default();
    cells.iter().take(MOST_COLUMNS).map(|cell| cell.trim().trim_start_matches('\u{feff}').to_string()).collect()
}

fn head_at(text: &str, start: usize, said: &[(Role, &str)], delimiters: &[u8]) -> Option<Head> {
    let text = begin(&text[start..]);
    let quoted = !is_wos(text);
    let found = delimiters.iter().filter_map(|delimiter| {
        let names = names(text, *delimiter, quoted);
        let plain: Vec<String> = names.iter().map(|name| plain(name)).collect();
        let mut columns: Vec<(Role, usize)> = Vec::new();
        for (role, column) in said {
            columns.push((*role, place_of(&names, column)?));
        }
        for (role, _, known) in COLUMNS {
            // Web of Science heads its own keywords so.
            let is_other = *role == Role::Id && !quoted;
            let is_said = columns.iter().any(|(said, _)| said == role);
            if let Some(at) = known.iter().find_map(|known| plain.iter().position(|name| name == known))
                && !is_said
                && !is_other
                && !said.iter().any(|(_, column)| place_of(&names, column) == Some(at))
            {
                columns.push((*role, at));
            }
        }
        let naming = [Role::Title, Role::Doi, Role::Url, Role::Pmid, Role::Arxiv, Role::Id];
        let names_papers = columns.iter().any(|(role, _)| naming.contains(role));
        // One column alone is a table when its head is nothing else.
        let alone = names.len() <= 3 && columns.len() == 1 && columns[0].0 != Role::Id;
        let enough = columns.len() >= 2 || alone || !said.is_empty();
        (names_papers && enough).then_some(Head { delimiter: *delimiter, quoted, columns, names, start })
    });
    found.max_by_key(|head| head.columns.len())
}

fn plain(cell: &str) -> String {
    let small: String = cell.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    if small.is_ascii() { small } else { crate::paper::unaccented(&small) }
}

fn reader(text: &str, delimiter: u8, quoted: bool) -> csv::Reader<&[u8]> {
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .quoting(quoted)
        .from_reader(text.as_bytes())
}

impl Head {
    /// Which field of a paper is taken from which column, by their names.
    pub fn fields(&self) -> Vec<(&'static str, &str)> {
        let name = |role: Role| COLUMNS.iter().find(|(known, ..)| *known == role).map_or("", |(_, name, _)| name);
        self.columns.iter().map(|(role, at)| (name(*role), self.names[*at].as_str())).collect()
    }

    /// The columns that are no field of a paper.
    pub fn others(&self) -> Vec<&str> {
        let taken = |at: usize| self.columns.iter().any(|(_, known)| *known == at);
        self.names.iter().enumerate().filter(|(at, _)| !taken(*at)).map(|(_, name)| name.as_str()).collect()
    }
}

/// Reads the rows of a table.
///
/// # Errors
/// [`Error::BadRequest`] when its first row is no head.
pub fn table(text: &str) -> Result<ReferenceList> {
    let head = head(text).ok_or_else(|| no_head(text))?;
    let mut list = ReferenceList::default();
    let before = text[..head.start].matches('\n').count();
    rows(&text[head.start..], &head, before, 1, &mut |line, row| match row {
        Ok(row) => take(&mut list, &head, line, row),
        Err(why) => list.reject(line, None, why),
    });
    Ok(list)
}

/// The error for a text whose first row names no columns.
pub fn no_head(text: &str) -> Error {
    let first = crate::paper::head(text.trim_start().lines().next().unwrap_or_default(), 60);
    Error::BadRequest(format!(
        "this is no table: its first row has to name the columns, one of them `title`, `DOI`, `URL`, `PMID` or \
         `arXiv`; it is {first:?}"
    ))
}

/// What is done with a row of a line, or why there is none.
type TakeRow<'t> = dyn FnMut(usize, std::result::Result<&StringRecord, String>) + 't;

/// Reads the rows of a text, but for some first ones; so many lines stand before it.
pub fn rows(body: &str, head: &Head, before: usize, skip: usize, take: &mut TakeRow<'_>) {
    let rows = reader(body, head.delimiter, head.quoted).into_records().skip(skip);
    for row in rows.take_while(|_| cancel::check().is_ok()) {
        match row {
            Ok(row) => {
                let line = before + row.position().map_or(0, |p| line_of(body, p));
                take(line, Ok(&row));
            }
            Err(e) => {
                let line = before + e.position().map_or(0, |p| line_of(body, p));
                take(line, Err(format!("this row cannot be read: {e}")));
            }
        }
    }
}

/// The line a row begins on: the reader counts the empty lines before it as its own.
fn line_of(body: &str, position: &csv::Position) -> usize {
    let at = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let empty = body.get(at..).map_or(0, |rest| rest.bytes().take_while(|b| *b == b'\n').count());
    usize::try_from(position.line()).unwrap_or(usize::MAX) + empty
}

fn take(list: &mut ReferenceList, head: &Head, line: usize, row: &StringRecord) {
    if let Some(draft) = draft(head, row) {
        let key = cell(head, row, Role::Key);
        list.add(line, Some(key).filter(|key| !key.is_empty()), draft.finish());
    }
}

/// The same for a stream of papers: the column with ids gives them, and the columns that are no field are kept.
pub fn take_paper(list: &mut ReferenceList, head: &Head, line: usize, row: &StringRecord) {
    let Some(mut draft) = draft(head, row) else { return };
    let of = |role| cell(head, row, role);
    draft.id = Some(of(Role::Id).to_string()).filter(|id| !id.is_empty());
    let texts = [
        (Role::Organization, "organization"),
        (Role::SubmittedBy, "submitted_by"),
        (Role::Upvotes, "upvotes"),
        (Role::Listed, "listed"),
        (Role::Volume, "volume"),
        (Role::Number, "number"),
    ];
    for (role, field) in texts {
        if !of(role).is_empty() {
            draft.more.insert(field.into(), of(role).into());
        }
    }
    // Some count them, and some write them down.
    let comments = of(Role::Comments);
    if !comments.is_empty() {
        let field = if comments.parse::<f64>().is_ok() { "comments" } else { "comment" };
        draft.more.insert(field.into(), comments.into());
    }
    for (at, name) in head.names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        let other = !head.columns.iter().any(|(_, known)| *known == at);
        let known = COLUMNS.iter().any(|(_, field, _)| field == name) || name == "extra";
        if let Some(value) = row.get(at).map(str::trim).filter(|value| !value.is_empty() && other && !known) {
            draft.more.insert(name.clone(), value.into());
        }
    }
    let date = of(Role::Date);
    if draft.date.is_none() && !date.is_empty() {
        draft.more.insert("date".into(), date.into());
    }
    let key = of(Role::Id);
    list.add(line, Some(key).filter(|key| !key.is_empty()), draft.finish());
}

fn cell<'r>(head: &Head, row: &'r StringRecord, role: Role) -> &'r str {
    let place = head.columns.iter().find(|(known, _)| *known == role);
    let text = place.and_then(|(_, k)| row.get(*k)).unwrap_or_default().trim();
    // Before what a spreadsheet would take for a formula stands an apostrophe that is not part of it.
    match text.strip_prefix('\'') {
        Some(formula) if formula.trim_start_matches('\'').starts_with(['=', '+', '-', '@']) => formula,
        _ => text,
    }
}

/// What a row says; nothing for an empty one, and for what hangs on another.
fn draft(head: &Head, row: &StringRecord) -> Option<Draft> {
    let cell = |role: Role| cell(head, row, role);
    let other = matches!(cell(Role::Kind).to_lowercase().as_str(), "attachment" | "note" | "annotation");
    if other || row.iter().all(|cell| cell.trim().is_empty()) {
        return None;
    }
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
    draft.url = cell(Role::Url).into();
    draft.keywords = cell(Role::Keywords).split([';', ',', '|']).map(str::to_string).collect();
    let classes = cell(Role::Categories);
    // arXiv's stand apart by blanks.
    let apart = if classes.contains([';', ',', '|']) { &[';', ',', '|'][..] } else { &[' '] };
    let arxiv = classes.split(' ').all(|class| class.contains(['.', '-'])) || classes.contains([';', ',', '|']);
    draft.categories =
        if arxiv { classes.split(apart).map(str::to_string).collect() } else { vec![classes.to_string()] };
    Some(draft)
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
