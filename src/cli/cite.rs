//! `paperkin cite`: references to papers; and what every command that lists papers needs to print them as references.

use std::io::{self, BufWriter, Write};

use super::streams::out;
use super::{Context, wrong_usage};
use crate::deliver::citations::{CitationFormat, Citations};
use crate::engine::{Answer, Engine};
use crate::paper::Paper;

/// Papers read at a time.
const PAGE: usize = 512;

/// Print references to papers: BibTeX, RIS, CSL-JSON or CSV
///
/// A citation key is made of the first author, the year and the first telling word of the title, and is given once in a
/// list.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin cite arxiv:2405.13729
  paperkin cite 2405.13729 10.1000/182 --format ris > papers.ris
  paperkin cite --all > papers.bib
  paperkin search \"robots that fold laundry\" --format bibtex >> refs.bib")]
pub struct Args {
    /// The papers: their ids, or their arXiv ids, DOIs or addresses in any form
    #[arg(required_unless_present = "all", conflicts_with = "all", value_name = "ID")]
    ids: Vec<String>,
    /// Every paper of the corpus
    #[arg(long)]
    all: bool,
    /// bibtex, ris, csl-json or csv
    #[arg(long, default_value = "bibtex", value_name = "FORMAT", value_parser = format)]
    format: CitationFormat,
}

/// The flag of commands that print a list of papers.
#[derive(clap::Args)]
pub struct FormatArg {
    /// Print references instead: bibtex, ris, csl-json or csv
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    format: Option<CitationFormat>,
}

/// A format by its name.
///
/// # Errors
/// The names that there are.
pub fn format(text: &str) -> Result<CitationFormat, String> {
    text.parse()
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    if context.json {
        return Err(wrong_usage("--json prints no references: ask for --format csl-json"));
    }
    let engine = context.open_filled()?;
    if args.all {
        return all(&engine, args.format);
    }
    let papers = args.ids.iter().map(|id| engine.paper(id)).collect::<crate::Result<Vec<_>>>()?;
    print(args.format, papers.iter().map(|paper| (paper, None)), false)
}

fn all(engine: &Engine, format: CitationFormat) -> anyhow::Result<()> {
    let mut citations = begin(format, false)?;
    let mut after = None;
    loop {
        let page = engine.export(after, PAGE)?;
        let Some(last) = page.last() else { return end(citations) };
        after = Some(last.row);
        for exported in &page {
            citations.add(&exported.paper, None)?;
        }
    }
}

/// References on their way to stdout.
pub type Printed = Citations<BufWriter<super::streams::Out>>;

/// Begins to print references.
///
/// # Errors
/// When stdout cannot be written.
pub fn begin(format: CitationFormat, scored: bool) -> io::Result<Printed> {
    Citations::begin(BufWriter::new(out()), format, scored)
}

/// Ends what [`begin`] began.
///
/// # Errors
/// When stdout cannot be written.
pub fn end(citations: Printed) -> anyhow::Result<()> {
    Ok(citations.finish()?.flush()?)
}

fn print<'p>(
    format: CitationFormat,
    papers: impl Iterator<Item = (&'p Paper, Option<f32>)>,
    scored: bool,
) -> anyhow::Result<()> {
    let mut citations = begin(format, scored)?;
    for (paper, score) in papers {
        citations.add(paper, score)?;
    }
    end(citations)
}

impl FormatArg {
    /// Whether references are asked for.
    pub fn is_given(&self) -> bool {
        self.format.is_some()
    }

    /// Prints an answer as it is asked for: as references, as JSON, or as a table.
    ///
    /// # Errors
    /// Wrong usage for two forms at once; when stdout cannot be written.
    pub fn print(&self, context: &Context, answer: &Answer) -> anyhow::Result<()> {
        match self.format {
            None => super::show::answer(answer, context.json),
            Some(_) if context.json => Err(wrong_usage("--json and --format are two forms: choose one")),
            Some(format) => print(format, answer.papers.iter().map(|hit| (&hit.paper, Some(hit.score))), true),
        }
    }
}
