//! `paperkin ingest`

use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;

use super::progress::{Intake, duration, meanwhile};
use super::show::{counted, thousands};
use super::{Context, say, show, streams};
use crate::config::Config;
use crate::engine::{Engine, Incoming, Rejected, Rejection, Report, Warning};
use crate::error::{Error, Result};
use crate::sources::{self, Unpacking};

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
  paperkin ingest 2026-*.jsonl.zst --data ~/papers
  zcat dump.gz | jq -c '{id, title, abstract}' | paperkin ingest -
  paperkin ingest <(jq -c '.papers[]' dump.json)

One JSON object a line; `id` and `title` are required. Known fields: abstract, authors, date, categories, keywords,
venue, organization, url, upvotes, comments, submitted_by, listed. Others are kept under `extra`. Dates are read as people
write them (2024-05-22, 2024, 2024.0, 2024/05/22, 22 May 2024, RFC 3339); titles and abstracts may hold JATS, HTML, MathML or
LaTeX, whose text is what is searched.

Bounds, in bytes of UTF-8: a line 4 MiB and a title 4,096 (longer ones are rejected); an abstract 102,400 (the beginning is kept);
10,000 authors, 1,000 categories, 1,000 keywords (the first are kept), each of 1,024; venue, organization and submitted_by
1,024, url 4,096, `extra` 65,536 of JSON, nested 100 deep (what is longer is left out). All but the first two are warnings.")]
pub struct Args {
    /// JSON Lines: plain, gzip or Zstandard; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
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

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let allowed = args.unpack.allowed(context)?;
    // All files are opened before any is read, so that a wrong name fails at once.
    for path in args.files.iter().filter(|path| !only_once(path)) {
        streams::open(path, allowed)?;
    }
    let engine = context.open()?;
    let began = Instant::now();
    let mut total = Total::default();
    for path in &args.files {
        let file = path.display().to_string();
        let name = if file == "-" { "standard input" } else { &file };
        let lines = if only_once(path) { None } else { count_lines(path, name, allowed).ok() };
        let reader = streams::open(path, allowed)?;
        let lines_of = until_it_breaks(sources::read(name, reader));
        let mut source = lines_of.map(|line| if args.strict { line.map(Incoming::strict) } else { line });
        total.add(&file, take_in(&engine, name, lines, &mut source)?);
    }
    finish(&engine);
    total.show(context, began)?;
    total.check(args.strict)
}

/// Makes a folder from a file of papers, with progress. It fails if no line was accepted.
pub fn fill(context: &Context, config: Config, path: &Path) -> anyhow::Result<()> {
    let allowed = Unpacking::of(&config.tuning);
    let reader = streams::open(path, allowed)?;
    let engine = context.open_with(config)?;
    let (name, mut total) = (path.display().to_string(), Total::default());
    let lines = count_lines(path, &name, allowed).ok();
    total.add(&name, take_in(&engine, &name, lines, &mut until_it_breaks(sources::read(&name, reader)))?);
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

/// The lines of a file. If the file breaks off (an incomplete download), the last line is rejected with the reason.
fn until_it_breaks(source: impl Iterator<Item = Result<Incoming>>) -> impl Iterator<Item = Result<Incoming>> {
    let (mut line, mut broken) = (0, false);
    source.map_while(move |incoming| {
        if broken {
            return None;
        }
        match incoming {
            Err(Error::Io { source, .. }) => {
                broken = true;
                let reason = format!("the file cannot be read from here on: {source}");
                Some(Ok(Incoming::new(line + 1, Err(Rejection { id: None, reason }))))
            }
            other => {
                line = other.as_ref().map_or(line, |incoming| incoming.line);
                Some(other)
            }
        }
    })
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
