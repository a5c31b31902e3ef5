//! Papers from files, of whatever size: a stream is read entry by entry, and the same readers that take in reference lists
//! make papers of them. An entry that cannot be read is told with its line (in a JSON list its place), and costs no other; a
//! file that breaks off gives what it has, and its last entry is rejected.
//!
//! A stream is cut into whole entries (`lines`, `table`, `xml`, `json`), which hold some megabytes at most, and handed to the
//! reader of its format. **To add a format**: its name in [`PaperFormat`], its sign in `recognise`, an arm in [`read_papers`].

mod acl;
mod json;
mod lines;
mod recognise;
mod records;
mod table;
mod text;
mod watched;
mod xml;

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, BufRead, Cursor, Read};
use std::path::Path;

pub use watched::Watched;

use super::feeds::record::rejected;
use super::jsonl;
use super::references::{encoding, endnote, ris, table as tables};
use crate::cancel;
use crate::engine::{Engine, Incoming, ReferenceList, Rejection};
use crate::error::{Error, Result};
use crate::paper::bounds::MAX_LINE;
use crate::paper::head;
use lines::{Lines, Syntax};
use text::{Stream, Text};

/// Bytes of whole entries that are read at a time. The memory of a file is some times as much, whatever its size.
const MAX_PART: usize = 1 << 20;

/// How papers are written in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaperFormat {
    /// A JSON object a line, with the fields that a paper has.
    Jsonl,
    /// A list of such objects, or an object that holds the list, or such objects one behind the other.
    Json,
    /// A table whose first row names the columns; apart by commas, semicolons, tabs or bars.
    Csv,
    /// The same, apart by tabs.
    Tsv,
    /// BibTeX and BibLaTeX.
    Bibtex,
    /// RIS.
    Ris,
    /// CSL-JSON, or Zotero's own JSON.
    Csl,
    /// PubMed: XML, or MEDLINE text (`.nbib`).
    Pubmed,
    /// EndNote: XML, or tagged text (`.enw`).
    Endnote,
    /// Web of Science, tagged. Its tab-delimited export is a table.
    Wos,
    /// arXiv's metadata (`arxiv-metadata-oai-snapshot.json`): a JSON object a line.
    Arxiv,
    /// The ACL Anthology's XML.
    Acl,
    /// Records of Crossref: one a line, or in `{"items": [...]}`.
    Crossref,
    /// Works of OpenAlex: one a line, or in `{"results": [...]}`.
    Openalex,
    /// Semantic Scholar's data sets `papers` and `abstracts`, one record a line; or what its service answers.
    SemanticScholar,
}

impl PaperFormat {
    /// All of them, by the name that `--format` and the settings give them.
    pub const ALL: [(&str, PaperFormat); 15] = [
        ("jsonl", PaperFormat::Jsonl),
        ("json", PaperFormat::Json),
        ("csv", PaperFormat::Csv),
        ("tsv", PaperFormat::Tsv),
        ("bibtex", PaperFormat::Bibtex),
        ("ris", PaperFormat::Ris),
        ("csl", PaperFormat::Csl),
        ("pubmed", PaperFormat::Pubmed),
        ("endnote", PaperFormat::Endnote),
        ("wos", PaperFormat::Wos),
        ("arxiv", PaperFormat::Arxiv),
        ("acl", PaperFormat::Acl),
        ("crossref", PaperFormat::Crossref),
        ("openalex", PaperFormat::Openalex),
        ("semantic-scholar", PaperFormat::SemanticScholar),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, format)| *format == self).map_or("", |(name, _)| name)
    }

    /// The format of a name.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the names there are.
    pub fn parse(text: &str) -> Result<Self> {
        Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, format)| *format).ok_or_else(|| {
            let names = Self::ALL.map(|(name, _)| name).join(", ");
            Error::Invalid(format!("{:?} is no format of papers; there are {names}", head(text, 40)))
        })
    }

    fn is_json(self) -> bool {
        use PaperFormat::*;
        matches!(self, Jsonl | Json | Csl | Arxiv | Crossref | Openalex | SemanticScholar)
    }

    /// Whether somebody may say which column, or field, is which field of a paper.
    fn takes_map(self) -> bool {
        matches!(self, PaperFormat::Csv | PaperFormat::Tsv | PaperFormat::Json | PaperFormat::Jsonl)
    }
}

/// How a file is to be read.
#[derive(Clone, Default)]
pub struct PaperReading<'e> {
    /// Its format; told from its beginning and its name where nothing is said.
    pub format: Option<PaperFormat>,
    /// Which column of a table, or field of an object, is which field of a paper: `title` -> `Titel`.
    pub map: BTreeMap<String, String>,
    /// Where abstracts find their papers that come apart from them (Semantic Scholar's data set `abstracts`).
    pub corpus: Option<&'e Engine>,
}

/// What a table's columns were taken for.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Columns {
    /// The fields of a paper, each with the column that it is taken from.
    pub fields: Vec<(&'static str, String)>,
    /// The columns that are kept as they are, under `extra`.
    pub others: Vec<String>,
}

/// Entries of a stream, some at a time.
trait Entries {
    /// Reads on, and puts behind `out` what came of it; whether there may be more.
    fn more(&mut self, out: &mut VecDeque<Incoming>) -> io::Result<bool>;

    /// The line (in a JSON list the place) of the entry that is being read.
    fn begins_at(&self) -> usize;
}

/// The papers of a file, one by one. See [`read_papers`].
pub struct PaperFile<'e> {
    format: PaperFormat,
    columns: Option<Columns>,
    entries: Box<dyn Entries + Send + 'e>,
    /// Whether there is nothing in it.
    is_blank: bool,
    waiting: VecDeque<Incoming>,
    read: usize,
    ended: bool,
}

impl PaperFile<'_> {
    /// The format that was found or said.
    pub fn format(&self) -> PaperFormat {
        self.format
    }

    /// What the columns of a table were taken for.
    pub fn columns(&self) -> Option<&Columns> {
        self.columns.as_ref()
    }

    /// Entries read so far, those included that have not been asked for yet: with the bytes read so far they tell how many there
    /// will be.
    pub fn entries_read(&self) -> usize {
        self.read
    }
}

impl Iterator for PaperFile<'_> {
    type Item = Result<Incoming>;

    fn next(&mut self) -> Option<Result<Incoming>> {
        loop {
            if self.ended && self.waiting.is_empty() {
                return None;
            }
            if let Err(e) = cancel::check() {
                self.ended = true;
                self.waiting.clear();
                return Some(Err(e));
            }
            if let Some(incoming) = self.waiting.pop_front() {
                return Some(Ok(incoming));
            }
            match self.entries.more(&mut self.waiting) {
                Ok(more) => self.ended = !more,
                Err(e) => {
                    self.ended = true;
                    let reason = format!("the file cannot be read from here on: {e}");
                    self.waiting.push_back(rejected(self.entries.begins_at(), None, reason));
                }
            }
            self.read += self.waiting.len();
            let may_be_empty = matches!(
                self.format,
                PaperFormat::Csv | PaperFormat::Tsv | PaperFormat::Json | PaperFormat::Jsonl | PaperFormat::Csl
            );
            if self.ended && self.read == 0 && !self.is_blank && !may_be_empty {
                self.is_blank = true;
                let reason = format!("the file holds no entry in the format {}", self.format.name());
                self.waiting.push_back(rejected(1, None, reason));
            }
        }
    }
}

/// Opens a file of papers: plain, gzip or Zstandard by what it holds; `-` is standard input.
///
/// # Errors
/// [`Error::Io`] when it cannot be opened; those of [`read_papers`].
pub fn open_papers<'e>(path: &Path, how: &PaperReading<'e>) -> Result<PaperFile<'e>> {
    read_papers(&path.display().to_string(), jsonl::open(path)?, how)
}

/// The papers of a stream that is unpacked already; `name` is how the file is called. The format is the one that is said, else
/// the one that the beginning shows, else the one that the name ends in.
///
/// ```
/// use paperkin::sources::{PaperFormat, PaperReading, read_papers};
///
/// let list = "Titel;Jahr\nÜber Gezeiten;2021\n";
/// let mut papers = read_papers("list.csv", Box::new(list.as_bytes()), &PaperReading::default())?;
/// assert_eq!(papers.format(), PaperFormat::Csv);
/// let paper = papers.next().expect("an entry")?.paper.expect("a paper");
/// assert_eq!((paper.title.as_str(), paper.date.map(|d| d.to_string())), ("Über Gezeiten", Some("2021".into())));
/// # Ok::<(), paperkin::Error>(())
/// ```
///
/// # Errors
/// [`Error::Io`] when nothing of it can be read; [`Error::BadRequest`] for a format that is not read, naming what it looks like;
/// [`Error::Invalid`] for a column or a field that does not exist.
pub fn read_papers<'e>(
    name: &str,
    mut reader: Box<dyn BufRead + Send>,
    how: &PaperReading<'e>,
) -> Result<PaperFile<'e>> {
    let (begin, fails) = text::head(&mut reader, how.format.is_none_or(PaperFormat::is_json))
        .map_err(|e| Error::io(name, "cannot read", e))?;
    recognise::text(&begin)?;
    let bare = begin.trim_ascii_start();
    let is_json = bare.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bare).starts_with(b"{") || bare.starts_with(b"[");
    let is_json = is_json || how.format.or_else(|| recognise::by_name(name)).is_some_and(PaperFormat::is_json);
    let encoding = encoding::Stream::of(&begin, is_json);
    let rest = begin[encoding.mark..].to_vec();
    let mut stream = Text::new(Cursor::new(rest).chain(fails).chain(reader), &encoding);
    // What was looked at comes at once, without waiting for more.
    let sample = stream.fill_buf().map_err(|e| Error::io(name, "cannot read", e))?.to_vec();
    let seen = encoding.text(whole_characters(&sample)).into_owned();
    let format = format_of(name, &seen, how)?;
    let head = match format {
        PaperFormat::Csv => Some(table_head(&seen, how, tables::DELIMITERS)?),
        PaperFormat::Tsv => Some(table_head(&seen, how, b"\t")?),
        _ => None,
    };
    let columns = head.as_ref().map(|head| Columns {
        fields: head.fields().into_iter().map(|(field, column)| (field, column.to_string())).collect(),
        others: head.others().into_iter().map(str::to_string).collect(),
    });
    let begin = seen.trim_start();
    let is_xml = begin.starts_with('<');
    let typed = begin.lines().any(endnote::begins);
    let stream = Stream::new(Box::new(stream));
    let list = |stream, syntax| -> Box<dyn Entries + Send + 'e> { Box::new(Lines::new(stream, encoding, syntax)) };
    let xml = |stream, kind| -> Box<dyn Entries + Send + 'e> { Box::new(xml::Records::new(stream, encoding, kind)) };
    let corpus = how.corpus;
    let map: Vec<(String, String)> = how.map.clone().into_iter().collect();
    let paper = move |place: usize, json: &[u8]| match &map[..] {
        [] => Some(Incoming::new(place, jsonl::one(json))),
        map => Some(records::renamed(place, json, map)),
    };
    let entries: Box<dyn Entries + Send + 'e> = match (format, head) {
        (PaperFormat::Csv | PaperFormat::Tsv, Some(head)) => Box::new(table::Rows::new(stream, encoding, head)),
        (PaperFormat::Csv | PaperFormat::Tsv, None) => return Err(tables::no_head(begin)),
        (PaperFormat::Jsonl, _) => Box::new(Each::new(stream, Box::new(paper))),
        (PaperFormat::Json, _) => Box::new(json::Values::new(stream, Box::new(paper))),
        (PaperFormat::Csl, _) => Box::new(json::Values::new(stream, Box::new(records::item))),
        (PaperFormat::Bibtex, _) => list(stream, Syntax::Bibtex(Vec::new())),
        (PaperFormat::Ris, _) => list(stream, Syntax::Ris(ris::least_blanks(begin))),
        (PaperFormat::Wos, _) => list(stream, Syntax::Wos),
        (PaperFormat::Pubmed, _) if is_xml => xml(stream, xml::Kind::Pubmed),
        (PaperFormat::Pubmed, _) => list(stream, Syntax::Medline),
        (PaperFormat::Endnote, _) if is_xml => xml(stream, xml::Kind::Endnote),
        (PaperFormat::Endnote, _) => list(stream, Syntax::Endnote(typed)),
        (PaperFormat::Acl, _) => xml(stream, xml::Kind::Acl(acl::Anthology::default())),
        (PaperFormat::Arxiv | PaperFormat::Crossref | PaperFormat::Openalex | PaperFormat::SemanticScholar, _) => {
            let record = move |place: usize, json: &[u8]| Some(records::paper(format, place, json, corpus));
            if recognise::in_lines(begin) {
                Box::new(Each::new(stream, Box::new(record)))
            } else {
                Box::new(json::Values::new(stream, Box::new(record)))
            }
        }
    };
    let is_blank = begin.is_empty();
    Ok(PaperFile { format, columns, entries, is_blank, waiting: VecDeque::new(), read: 0, ended: false })
}

/// The format that is said, or that is found.
fn format_of(name: &str, begin: &str, how: &PaperReading<'_>) -> Result<PaperFormat> {
    let said = how.format.is_some();
    let found = match how.format {
        Some(format) => format,
        None => match recognise::recognise(name, begin) {
            Ok(format) => format,
            // With what was said of its columns it may be a table.
            Err(unknown) => match tables::head_of(begin, &how.map, tables::DELIMITERS) {
                Ok(Some(_)) => PaperFormat::Csv,
                Err(wrong) if !how.map.is_empty() => return Err(wrong),
                _ => return Err(unknown),
            },
        },
    };
    if how.map.is_empty() || found.takes_map() {
        return Ok(found);
    }
    let is_json = begin.trim_start().starts_with(['{', '[']);
    if is_json && !said {
        // Who names its fields has it read by these names.
        return Ok(if recognise::in_lines(begin.trim_start()) { PaperFormat::Jsonl } else { PaperFormat::Json });
    }
    Err(Error::Invalid(format!(
        "map says which column of a table, or field of a JSON object, is which field of a paper; {} has fields of its own",
        found.name()
    )))
}

fn table_head(begin: &str, how: &PaperReading<'_>, delimiters: &[u8]) -> Result<tables::Head> {
    tables::head_of(begin, &how.map, delimiters)?.ok_or_else(|| match tables::no_head(begin) {
        Error::BadRequest(why) => {
            Error::BadRequest(format!("{why}. `--map title=COLUMN` says which column holds titles"))
        }
        other => other,
    })
}

/// Bytes without a character that is cut at their end.
fn whole_characters(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(e) if e.error_len().is_none() => &bytes[..e.valid_up_to()],
        _ => bytes,
    }
}

fn too_long(what: &str, most: usize) -> String {
    format!("the {what} is longer than {most} bytes, which is the most there may be")
}

/// Puts what was read of a part of a list behind `out`, in its order; so many lines stand before the part.
fn incoming(list: ReferenceList, before: usize, out: &mut VecDeque<Incoming>) {
    let mut bad = list.rejected.into_iter().peekable();
    let refused = |bad: crate::engine::Rejected| {
        Incoming::new(before + bad.line, Err(Rejection { id: bad.id, reason: bad.reason }))
    };
    for reference in list.references {
        while let Some(bad) = bad.next_if(|bad| bad.line < reference.line) {
            out.push_back(refused(bad));
        }
        let line = before + reference.line;
        out.push_back(if reference.titled {
            Incoming::new(line, Ok((reference.paper, reference.left_out)))
        } else {
            // A list may name a paper alone; a paper has a title.
            let told = reference.left_out.first().map_or("it has no title".to_string(), |told| told.reason.clone());
            rejected(line, Some(reference.paper.id.as_str()), told)
        });
    }
    out.extend(bad.map(refused));
}

/// A value a line.
struct Each<'e> {
    stream: Stream,
    make: Make<'e>,
    line: usize,
    bytes: Vec<u8>,
}

/// Makes a paper of the text of an entry, which stands on a line or at a place; none of what is no entry of its own.
type Make<'e> = Box<dyn FnMut(usize, &[u8]) -> Option<Incoming> + Send + 'e>;

impl<'e> Each<'e> {
    fn new(stream: Stream, make: Make<'e>) -> Self {
        Each { stream, make, line: 0, bytes: Vec::new() }
    }
}

impl Entries for Each<'_> {
    fn more(&mut self, out: &mut VecDeque<Incoming>) -> io::Result<bool> {
        self.line += 1;
        self.bytes.clear();
        // One long line among short ones holds no memory for them.
        self.bytes.shrink_to(1 << 16);
        let (mut any, mut fits) = (false, true);
        loop {
            if cancel::check().is_err() {
                return Ok(true);
            }
            let piece = self.stream.peek()?;
            let end = piece.iter().position(|b| *b == b'\n');
            let length = end.map_or(piece.len(), |end| end + 1);
            any |= length > 0;
            fits &= self.bytes.len() + length <= MAX_LINE + 1;
            if fits {
                self.bytes.extend_from_slice(&piece[..length]);
            }
            self.stream.advance(length);
            if end.is_some() || length == 0 {
                break;
            }
        }
        if !fits {
            out.push_back(rejected(self.line, None, too_long("line", MAX_LINE)));
        } else if !self.bytes.trim_ascii().is_empty() {
            out.extend((self.make)(self.line, &self.bytes));
        }
        Ok(any)
    }

    fn begins_at(&self) -> usize {
        self.line
    }
}

#[cfg(test)]
mod tests;
