//! References to papers, as reference managers and word processors read them: one file a format (`bibtex`, `ris`, `csl`,
//! `table`), all made of what `record` knows of a paper, under the keys of `keys`.
//!
//! To add a format: a file here; its name, media type and file ending in [`CitationFormat`]; an arm in [`Citations`].

mod bibtex;
mod casing;
mod csl;
mod keys;
mod latex;
mod record;
mod ris;
mod table;

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use crate::paper::Paper;
use keys::Keys;
use record::Record;

pub use self::table::harmless;

/// How references are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CitationFormat {
    /// BibTeX and BibLaTeX.
    Bibtex,
    /// RIS, which every reference manager reads.
    Ris,
    /// CSL-JSON, which citeproc, pandoc and Zotero read.
    CslJson,
    /// A table: a line a paper.
    Csv,
}

impl CitationFormat {
    /// All of them.
    pub const ALL: [CitationFormat; 4] =
        [CitationFormat::Bibtex, CitationFormat::Ris, CitationFormat::CslJson, CitationFormat::Csv];

    /// What it is called in requests and flags.
    pub fn name(self) -> &'static str {
        match self {
            CitationFormat::Bibtex => "bibtex",
            CitationFormat::Ris => "ris",
            CitationFormat::CslJson => "csl-json",
            CitationFormat::Csv => "csv",
        }
    }

    /// Its media type, without parameters.
    pub fn media_type(self) -> &'static str {
        match self {
            CitationFormat::Bibtex => "application/x-bibtex",
            CitationFormat::Ris => "application/x-research-info-systems",
            CitationFormat::CslJson => "application/vnd.citationstyles.csl+json",
            CitationFormat::Csv => "text/csv",
        }
    }

    /// How the names of files in it end, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            CitationFormat::Bibtex => "bib",
            CitationFormat::Ris => "ris",
            CitationFormat::CslJson => "json",
            CitationFormat::Csv => "csv",
        }
    }
}

impl fmt::Display for CitationFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for CitationFormat {
    type Err = String;

    /// Reads a name; the error names those that there are.
    fn from_str(text: &str) -> Result<Self, String> {
        let known = CitationFormat::ALL.into_iter().find(|format| format.name() == text);
        known.ok_or_else(|| format!("it is one of {}", CitationFormat::ALL.map(CitationFormat::name).join(", ")))
    }
}

/// References on their way out, one after the other: a list of any length takes the memory of its keys.
pub struct Citations<W: Write> {
    out: W,
    format: CitationFormat,
    /// Whether papers have scores.
    scored: bool,
    keys: Keys,
    written: usize,
}

impl<W: Write> Citations<W> {
    /// Begins a list; with `scored` a table has a column for the scores of its papers.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn begin(mut out: W, format: CitationFormat, scored: bool) -> io::Result<Self> {
        match format {
            CitationFormat::CslJson => out.write_all(b"[")?,
            CitationFormat::Csv => table::head(&mut out, scored)?,
            CitationFormat::Bibtex | CitationFormat::Ris => {}
        }
        Ok(Citations { out, format, scored, keys: Keys::default(), written: 0 })
    }

    /// Adds a paper, with its score where it has one.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn add(&mut self, paper: &Paper, score: Option<f32>) -> io::Result<()> {
        let record = Record::of(paper);
        let key = self.keys.of(&record);
        let first = self.written == 0;
        self.written += 1;
        match self.format {
            CitationFormat::Bibtex => {
                self.out.write_all(if first { b"" } else { b"\n" })?;
                self.out.write_all(bibtex::entry(&record, &key).as_bytes())
            }
            CitationFormat::Ris => self.out.write_all(ris::entry(&record, &key).as_bytes()),
            CitationFormat::CslJson => {
                self.out.write_all(if first { b"\n" } else { b",\n" })?;
                serde_json::to_writer(&mut self.out, &csl::item(&record, &key)).map_err(io::Error::from)
            }
            CitationFormat::Csv => table::row(&mut self.out, &record, &key, self.scored.then_some(score)),
        }
    }

    /// Ends the list, and gives back what it was written to.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(mut self) -> io::Result<W> {
        if self.format == CitationFormat::CslJson {
            self.out.write_all(if self.written == 0 { b"]\n" } else { b"\n]\n" })?;
        }
        Ok(self.out)
    }
}

/// The citation key of a paper by itself.
pub fn key(paper: &Paper) -> String {
    Keys::default().of(&Record::of(paper))
}
