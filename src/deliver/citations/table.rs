//! CSV: a line a paper, for spreadsheets and scripts.

use std::io::{self, Write};

use csv::{Terminator, WriterBuilder};

use super::record::{Record, inverted};
use crate::paper::person::CitedName;

/// The columns, but for the last one, `score`.
const COLUMNS: [&str; 16] = [
    "id",
    "key",
    "title",
    "authors",
    "date",
    "venue",
    "volume",
    "issue",
    "pages",
    "doi",
    "arxiv",
    "pmid",
    "url",
    "categories",
    "keywords",
    "abstract",
];

/// The line of the columns.
///
/// # Errors
/// Those of `out`.
pub fn head(out: &mut impl Write, scored: bool) -> io::Result<()> {
    line(out, COLUMNS.into_iter().chain(scored.then_some("score")).map(str::to_string))
}

/// The line of a paper; `score` is what stands in the column for it, where there is one.
///
/// # Errors
/// Those of `out`.
pub fn row(out: &mut impl Write, record: &Record<'_>, key: &str, score: Option<Option<f32>>) -> io::Result<()> {
    let alone = record.authors.len() == 1;
    let name = |name: CitedName<'_>| match name {
        // Of a cell with one name some think that its comma parts two, where several words stand on both sides.
        CitedName::Person { given, particle, family, suffix: "" } if alone && given.contains(' ') => {
            [given, particle, family].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
        }
        name => inverted(name),
    };
    let authors: Vec<String> = record.names().map(name).collect();
    let paper = record.paper;
    let cells = [
        paper.id.to_string(),
        key.to_string(),
        record.plain_title(),
        authors.join("; "),
        paper.date.as_ref().map_or_else(String::new, ToString::to_string),
        record.venue.clone(),
        record.volume.clone(),
        record.issue.clone(),
        record.pages.clone(),
        record.doi.clone(),
        record.arxiv.clone(),
        record.pmid.clone(),
        record.url.clone(),
        paper.categories.join("; "),
        record.keywords.join("; "),
        record.plain_summary(),
    ];
    let score = score.map(|score| score.map_or_else(String::new, |score| score.to_string()));
    line(out, cells.into_iter().map(harmless).chain(score))
}

/// A cell that no spreadsheet takes for a formula: an apostrophe stands before what would begin one, and is not shown. One of the text
/// itself there gets another, so that whoever takes one away has the text.
pub fn harmless(cell: String) -> String {
    let begins = cell.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r']);
    if begins { format!("'{cell}") } else { cell }
}

fn line(out: &mut impl Write, cells: impl Iterator<Item = String>) -> io::Result<()> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(cells.map(String::into_bytes)).map_err(io::Error::from)?;
    out.write_all(&writer.into_inner().map_err(|e| e.into_error())?)
}
