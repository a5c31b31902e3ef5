//! `paperkin ingest`

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use serde::Serialize;

use super::progress::{Intake, duration, meanwhile};
use super::show::{counted, thousands};
use super::{Context, say, show, streams};
use crate::config::Config;
use crate::engine::{Engine, Incoming, Rejected, Report, Warning};
use crate::error::{Error, Result};
use crate::sources::{self, Columns, Counted, PaperFile, PaperFormat, PaperReading, Unpacking};

/// For files of this many bytes, counting lines takes so long that a message says so.
const LONG: u64 = 16 << 20;

/// Add papers: read, embed and index them
///
/// You can interrupt it at any time and run it again: papers that are there already cost nothing. A line without a
/// valid paper is rejected with its number and the reason, and the others are added. If only a field cannot be read,
/// the paper is added without it, and a warning says so.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin ingest papers.jsonl
  paperkin ingest refs.bib papers.csv.gz dump.jsonl.zst
  paperkin ingest 2026-*.jsonl.zst --data ~/papers
  paperkin ingest arxiv-metadata-oai-snapshot.json
  paperkin ingest liste.csv --map title=Werk --map abstract=Inhalt
  curl -s https://example.org/export.ris | paperkin ingest --format ris -
  zcat dump.gz | jq -c '{id, title, abstract}' | paperkin ingest -

The format of each file is told from what it holds and from its name, or named with --format: jsonl, json, csv, tsv, bibtex, ris,
csl (CSL-JSON, Zotero), pubmed (XML, .nbib), endnote, wos, arxiv (the metadata dump), acl (ACL Anthology XML), crossref,
openalex, semantic-scholar. docs/formats.md says what becomes of each field. Files of any size are read as a stream.
Of a table it is told which column was taken for what; --map says otherwise. A paper without an id gets one of its arXiv id or
DOI, else of its title. In JSON lists the number of a rejected entry is its place in the list, everywhere else its line.

As JSON or JSON Lines: `id` and `title` are required. Known fields: abstract, authors, date, categories, keywords,
venue, organization, url, upvotes, comments, submitted_by, listed. Others are kept under `extra`. Dates are read as people
write them (2024-05-22, 2024, 2024.0, 2024/05/22, 22 May 2024, RFC 3339); titles and abstracts may hold JATS, HTML, MathML or
LaTeX, whose text is what is searched.

Bounds, in bytes of UTF-8: a line or an entry 4 MiB (of BibTeX 8 MiB) and a title 4,096 (longer ones are rejected); an abstract 102,400 (the beginning is kept);
10,000 authors, 1,000 categories, 1,000 keywords (the first are kept), each of 1,024; venue, organization and submitted_by
1,024, url 4,096, `extra` 65,536 of JSON, nested 100 deep (what is longer is left out). All but the first two are warnings.")]
pub struct Args {
    /// Papers in any of the formats below: plain, gzip or Zstandard; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The format of all these files [default: told from each file]
    #[arg(long, value_name = "FORMAT", value_parser = format_named)]
    format: Option<PaperFormat>,
    /// Which column of a table, or field of a JSON object, is which field of a paper; may be repeated
    #[arg(long, value_name = "FIELD=COLUMN", value_parser = mapping)]
    map: Vec<(String, String)>,
    /// Reject lines with a field that cannot be read; exit with status 1 if any line was rejected
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    unpack: Unpack,
}

/// The limits for compressed files: flags override the settings.
#[derive(clap::Args)]
pub struct Unpack {
    /// Greatest unpacked size of a compressed file in bytes [default: the setting max_unpacked, 64 GiB]
    #[arg(long, value_name = "BYTES")]
    max_unpacked: Option<u64>,
    /// Greatest ratio of unpacked to compressed size, for files that unpack to more than 64 MB [default: the setting
    /// max_ratio, 200]
    #[arg(long, value_name = "R", value_parser = clap::value_parser!(u64).range(1..))]
    max_ratio: Option<u64>,
    /// Largest Zstandard window, as in `zstd --long`; 31 takes 2 GB of memory [default: the setting
    /// zstd_long, 27]
    #[arg(long, value_name = "LOG", value_parser = clap::value_parser!(u32).range(10..=31))]
    long: Option<u32>,
}

impl Unpack {
    /// The limits.
    pub fn allowed(&self, context: &Context) -> anyhow::Result<Unpacking> {
        let of_settings = Unpacking::of(&context.config()?.tuning);
        Ok(Unpacking {
            most: self.max_unpacked.unwrap_or(of_settings.most),
            ratio: self.max_ratio.unwrap_or(of_settings.ratio),
            long: self.long.unwrap_or(of_settings.long),
        })
    }
}

fn format_named(text: &str) -> std::result::Result<PaperFormat, String> {
    PaperFormat::parse(text).map_err(|e| e.to_string())
}

fn mapping(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((field, column)) if !field.trim().is_empty() && !column.trim().is_empty() => {
            Ok((field.trim().to_string(), column.trim().to_string()))
        }
        _ => Err("write FIELD=COLUMN, as in title=Titel".into()),
    }
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let allowed = args.unpack.allowed(context)?;
    let mut map = BTreeMap::new();
    for (field, column) in &args.map {
        if map.insert(field.clone(), column.clone()).is_some() {
            anyhow::bail!("--map names the field {field} twice");
        }
    }
    let mut how = PaperReading { format: args.format, map, corpus: None };
    // All files are opened before any is read, so that a wrong name or format fails at once.
    for path in args.files.iter().filter(|path| !only_once(path)) {
        Opened::new(path, &how, allowed)?;
    }
    let engine = context.open()?;
    how.corpus = Some(&engine);
    let began = Instant::now();
    let mut total = Total::default();
    for path in &args.files {
        let file = path.display().to_string();
        let Opened { name, papers, length, read } = Opened::new(path, &how, allowed)?;
        let columns = papers.columns().cloned();
        if let Some(columns) = &columns {
            say_columns(&name, columns);
        }
        let format = papers.format();
        let report = match format {
            // Their lines are counted, which is exact.
            PaperFormat::Jsonl => {
                let lines = if only_once(path) { None } else { count_lines(path, &name, allowed).ok() };
                let mut source = papers.map(|line| if args.strict { line.map(Incoming::strict) } else { line });
                take_in(&engine, &name, lines, &mut source)?
            }
            _ => take_in_by_bytes(&engine, &name, papers, length, &read, args.strict)?,
        };
        total.add(&file, report);
        total.files.push(FileRead { file, format: format.name(), columns });
    }
    finish(&engine);
    total.show(context, began)?;
    total.check(args.strict)
}

/// A file of papers, and how far it has been read.
struct Opened<'e> {
    name: String,
    papers: PaperFile<'e>,
    /// Its bytes, where it has a length.
    length: Option<u64>,
    /// How many of them were read.
    read: Arc<AtomicU64>,
}

impl<'e> Opened<'e> {
    fn new(path: &Path, how: &PaperReading<'e>, allowed: Unpacking) -> anyhow::Result<Self> {
        let file = path.display().to_string();
        let name = if file == "-" { "standard input".to_string() } else { file };
        let read = Arc::new(AtomicU64::new(0));
        let raw = Counted::new(streams::input(path)?, Arc::clone(&read));
        let papers = sources::read_papers(&name, sources::unpacked(path, Box::new(raw), allowed)?, how);
        let papers = papers.map_err(|e| match e {
            e @ (Error::Io { .. } | Error::Cancelled) => anyhow::Error::from(e),
            e => anyhow::anyhow!("{name}: {e}"),
        })?;
        let length = streams::look(path).filter(|found| found.is_file && !only_once(path)).map(|found| found.length);
        Ok(Opened { name, papers, length, read })
    }
}

/// Tells which column of a table became what.
fn say_columns(name: &str, columns: &Columns) {
    let taken: Vec<String> = columns.fields.iter().map(|(field, column)| format!("{field} = {column}")).collect();
    let others = match &columns.others[..] {
        [] => String::new(),
        others => format!("; kept under extra: {}", others.join(", ")),
    };
    say!("{name}: columns: {}{others}", taken.join(", "));
}

/// Makes a folder from a file of papers, with progress. It fails if no line was accepted.
pub fn fill(context: &Context, config: Config, path: &Path) -> anyhow::Result<()> {
    let allowed = Unpacking::of(&config.tuning);
    let Opened { name, papers, length, read } = Opened::new(path, &PaperReading::default(), allowed)?;
    let engine = context.open_with(config)?;
    let mut total = Total::default();
    total.add(&name, take_in_by_bytes(&engine, &name, papers, length, &read, false)?);
    finish(&engine);
    total.check(false)
}

/// The outcome over all files.
#[derive(Default, Serialize)]
pub struct Total {
    accepted: usize,
    updated: usize,
    unchanged: usize,
    rejected: Vec<RejectedIn>,
    rejected_total: usize,
    warnings: Vec<WarningIn>,
    warnings_total: usize,
    embedded: usize,
    /// How each file was read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<FileRead>,
}

/// How a file was read.
#[derive(Serialize)]
struct FileRead {
    file: String,
    format: &'static str,
    /// What the columns of a table were taken for.
    #[serde(skip_serializing_if = "Option::is_none")]
    columns: Option<Columns>,
}

/// A warning about a field, with its file.
#[derive(Serialize)]
struct WarningIn {
    file: String,
    #[serde(flatten)]
    warning: Warning,
}

/// A rejected line, with its file.
#[derive(Serialize)]
struct RejectedIn {
    file: String,
    #[serde(flatten)]
    rejected: Rejected,
}

impl Total {
    /// Adds the outcome of a file.
    pub fn add(&mut self, file: &str, report: Report) {
        self.accepted += report.accepted;
        self.updated += report.updated;
        self.unchanged += report.unchanged;
        self.rejected_total += report.rejected_total;
        self.embedded += report.embedded;
        let of_file = |rejected| RejectedIn { file: file.to_string(), rejected };
        self.rejected.extend(report.rejected.into_iter().map(of_file));
        self.warnings_total += report.warnings_total;
        let of_file = |warning| WarningIn { file: file.to_string(), warning };
        self.warnings.extend(report.warnings.into_iter().map(of_file));
    }

    /// Counts a line that was rejected elsewhere.
    pub fn reject(&mut self, file: &str, line: usize, reason: String) {
        self.rejected_total += 1;
        self.rejected.push(RejectedIn { file: file.to_string(), rejected: Rejected { line, id: None, reason } });
    }

    /// Prints it.
    pub fn show(&self, context: &Context, began: Instant) -> anyhow::Result<()> {
        if context.json { show::document(self) } else { show::text(&self.summary(began)) }
    }

    /// Fails when lines were rejected under `--strict`, or when no line was accepted.
    pub fn check(&self, strict: bool) -> anyhow::Result<()> {
        let read = self.accepted + self.updated + self.unchanged;
        if self.rejected_total > 0 && (strict || read == 0) {
            anyhow::bail!("{} rejected", counted(self.rejected_total, "line"));
        }
        Ok(())
    }

    /// For a person.
    pub fn summary(&self, began: Instant) -> String {
        let seconds = began.elapsed().as_secs_f64();
        let mut text = format!(
            "{} new, {} changed, {} unchanged, {} rejected{}; {} embedded in {}",
            thousands(self.accepted),
            thousands(self.updated),
            thousands(self.unchanged),
            thousands(self.rejected_total),
            if self.warnings_total > 0 {
                format!(", {}", counted(self.warnings_total, "warning"))
            } else {
                String::new()
            },
            thousands(self.embedded),
            duration(seconds),
        );
        if self.embedded > 0 {
            text.push_str(&format!(" ({:.1}/s)", self.embedded as f64 / seconds));
        }
        text
    }
}

/// Ingests the papers of a file of which it is known how far it was read: as much as is left of its bytes is left of its papers.
fn take_in_by_bytes(
    engine: &Engine,
    name: &str,
    mut papers: PaperFile<'_>,
    length: Option<u64>,
    read: &AtomicU64,
    strict: bool,
) -> anyhow::Result<Report> {
    let expected = AtomicUsize::new(0);
    let mut source = std::iter::from_fn(|| {
        let incoming = papers.next()?;
        let (entries, bytes) = (papers.entries_read(), read.load(Ordering::Relaxed));
        if let Some(length) = length.filter(|_| bytes > 0) {
            let all = entries as f64 * (length.max(bytes) as f64 / bytes as f64);
            expected.store(all as usize, Ordering::Relaxed);
        }
        Some(if strict { incoming.map(Incoming::strict) } else { incoming })
    });
    let intake = Intake::new(name, None);
    let report = engine.ingest(&mut source, &|report| {
        intake.foresee(expected.load(Ordering::Relaxed).max(report.lines()), length.is_some());
        intake.update(report);
    });
    intake.finish();
    Ok(report?)
}

/// Ingests papers with a progress bar.
pub fn take_in(
    engine: &Engine,
    name: &str,
    lines: Option<usize>,
    source: &mut dyn Iterator<Item = Result<Incoming>>,
) -> anyhow::Result<Report> {
    let intake = Intake::new(name, lines);
    let report = engine.ingest(source, &|report| intake.update(report));
    intake.finish();
    Ok(report?)
}

/// Writes the index to disk; a running service does most of that in the background. A failure only makes the next
/// opening slower, so it is a warning and not an error.
pub fn finish(engine: &Engine) {
    let own = streams::here().is_own();
    let work = || if own { engine.maintain() } else { engine.maintain_gently() };
    if let Err(e) = meanwhile("bringing the index into order", work) {
        say!("warning: {e}");
    }
}

/// Whether a file can be read only once: standard input, or a pipe, whose writer ends with its first reader.
fn only_once(path: &Path) -> bool {
    path.as_os_str() == "-" || streams::look(path).is_some_and(|found| !found.is_file && !found.is_folder)
}

/// The number of lines, to estimate the remaining time. Unpacking a file twice costs little compared with embedding it.
fn count_lines(path: &Path, name: &str, allowed: Unpacking) -> anyhow::Result<usize> {
    if streams::look(path).is_none_or(|found| found.length < LONG) {
        return lines_of(path, allowed);
    }
    meanwhile(&format!("{name}: counting its lines"), || lines_of(path, allowed))
}

fn lines_of(path: &Path, allowed: Unpacking) -> anyhow::Result<usize> {
    let mut reader = streams::open(path, allowed)?;
    let (mut lines, mut open) = (0, false);
    loop {
        let bytes = reader.fill_buf()?;
        let Some(last) = bytes.last() else { break };
        lines += bytes.iter().filter(|b| **b == b'\n').count();
        open = *last != b'\n';
        let n = bytes.len();
        reader.consume(n);
    }
    Ok(lines + usize::from(open))
}
