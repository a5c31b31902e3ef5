//! `paperkin history`: import, list, undo and delete what a user read.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde_json::json;

use super::ask::word;
use super::progress::Progress;
use super::streams::out;
use super::{Context, cite, say, show, streams};
use crate::deliver::citations::CitationFormat;
use crate::engine::{Engine, EntryStatus, Import, ImportProgress, ImportView, Imported, RejectedUnit};
use crate::eval::table::named;
use crate::sources::{Format, references_from_bytes};
use crate::store::ImportStatus;
use crate::user::EventKind;

/// Papers of a library that are read at a time.
const LIBRARY_PAGE: usize = 1_000;

/// The reading history of a user
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin history import ada library.bib --dry-run
  paperkin history import ada library.bib
  paperkin history imports ada
  paperkin history undo ada 1
  paperkin history show ada
  paperkin history export ada > ada.bib
  paperkin history erase ada")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    Import(ImportArgs),
    Imports(ImportsArgs),
    Undo(UndoArgs),
    Outside(OutsideArgs),
    Remove(RemoveArgs),
    Show(ShowArgs),
    Export(ExportArgs),
    Erase(EraseArgs),
}

/// Import a reference list into a user's history
///
/// References are matched to the corpus by DOI, arXiv id and other identifiers, and by title where no identifier
/// contradicts it. References that are not found are listed. Importing a list again counts nothing twice. `history
/// undo` takes an import back. A list may have 100,000 entries and 256 MB; the limits of an entry are those of a paper
/// (`ingest --help`).
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin history import ada library.bib
  paperkin history import ada library.bib --dry-run
  paperkin history import ada zotero.json --kind like --embed-missing
  paperkin history import ada ids.txt --json | jq -r '.missing[]'")]
struct ImportArgs {
    /// The user; created if new
    user: String,
    /// The list, in any encoding, from a reference manager or a database, or one id a line; `-` for standard input
    file: PathBuf,
    /// Format of the file: bibtex, ris, csl or zotero (JSON), pubmed (.nbib, XML), endnote (.enw, XML), wos (Web of
    /// Science, text or tab-delimited), csv (Zotero, Scopus and others), ids (an id, DOI or address a line), titles (a
    /// title a line), or auto, which tells them apart but for titles and refuses what is none of them
    #[arg(long, default_value = "auto", value_parser = word::<Format>)]
    format: Format,
    /// The event that each reference counts as: save, like, view, click, dislike or dismiss
    #[arg(long, default_value = "save", value_parser = word::<EventKind>)]
    kind: EventKind,
    /// Embed references that are not in the corpus, so that they too shape the recommendations
    #[arg(long)]
    embed_missing: bool,
    /// Show how each entry would be read, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// List the imports of a user, newest first
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin history imports ada")]
struct ImportsArgs {
    /// The user
    user: String,
}

/// Take an import back
///
/// Removes the events and the library papers that this import added, except those that another import or the user has
/// added as well.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin history undo ada 1")]
struct UndoArgs {
    /// The user
    user: String,
    /// The import, as `history imports` lists it
    import: String,
}

/// List the library papers of a user (papers that are not in the corpus), by title
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin history outside ada
  paperkin history outside ada --json | jq -r .title")]
struct OutsideArgs {
    /// The user
    user: String,
}

/// Delete a library paper of a user, with its events
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin history remove ada doi:10.1000/182")]
struct RemoveArgs {
    /// The user
    user: String,
    /// The paper, as `history outside` lists it
    paper: String,
}

/// Print a user's library as references: BibTeX, RIS, CSL-JSON or CSV
///
/// The papers that the user saved or liked, oldest first, then those library papers of which they said nothing. `history
/// import` reads it back.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin history export ada > ada.bib
  paperkin history export ada --format ris > ada.ris
  paperkin history export ada | paperkin history import grace -")]
struct ExportArgs {
    /// The user
    user: String,
    /// bibtex, ris, csl-json or csv
    #[arg(long, default_value = "bibtex", value_name = "FORMAT", value_parser = cite::format)]
    format: CitationFormat,
}

/// Print a user's history, newest first
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin history show ada
  paperkin history show ada --json | jq -r .paper")]
struct ShowArgs {
    /// The user
    user: String,
}

/// Delete everything about a user
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin history erase ada")]
struct EraseArgs {
    /// The user
    user: String,
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let engine = context.open_filled()?;
    match &args.action {
        Action::Import(args) => import(context, &engine, args),
        Action::Imports(args) => {
            let imports = engine.imports(&args.user)?;
            if context.json {
                return show::lines(&mut out(), imports);
            }
            let lines: Vec<String> = imports.iter().map(import_line).collect();
            if lines.is_empty() { show::text("No imports.") } else { show::table(&lines) }
        }
        Action::Undo(args) => {
            let undone = engine.undo_import(&args.user, &args.import)?;
            if context.json {
                return show::document(
                    &json!({ "undone": args.import, "events": undone.events, "papers": undone.papers }),
                );
            }
            let (events, papers) = (show::thousands(undone.events), show::thousands(undone.papers));
            show::text(&format!("{events} events and {papers} papers from outside the corpus are gone."))
        }
        Action::Outside(args) => {
            let mut cursor = None;
            loop {
                let page = engine.outside(&args.user, 500, cursor.as_deref())?;
                for o in &page.items {
                    if context.json {
                        show::lines(&mut out(), [o])?;
                    } else {
                        show::table([format!("{}  {}", o.paper.id.as_str(), show::title(&o.paper.title))])?;
                    }
                }
                cursor = page.next;
                if cursor.is_none() {
                    return Ok(());
                }
            }
        }
        Action::Remove(args) => {
            engine.remove_outside(&args.user, &args.paper)?;
            if context.json { show::document(&json!({ "removed": args.paper })) } else { show::text("Forgotten.") }
        }
        Action::Show(args) => {
            let mut cursor = None;
            loop {
                let page = engine.events(&args.user, 500, cursor.as_deref())?;
                for e in &page.items {
                    if context.json {
                        show::lines(&mut streams::out(), [e])?;
                    } else {
                        show::table([format!("{}  {:<8} {}", e.at, named(&e.kind), e.paper.as_str())])?;
                    }
                }
                cursor = page.next;
                if cursor.is_none() {
                    return Ok(());
                }
            }
        }
        Action::Export(_) if context.json => {
            Err(super::wrong_usage("--json prints no references: ask for --format csl-json"))
        }
        Action::Export(args) => {
            // Whether there is such a user shows before anything is written.
            let mut page = engine.collection(&args.user, LIBRARY_PAGE, None)?;
            let mut citations = cite::begin(args.format, false)?;
            loop {
                for kept in &page.items {
                    citations.add(&kept.paper, None)?;
                }
                match page.next {
                    Some(next) => page = engine.collection(&args.user, LIBRARY_PAGE, Some(&next))?,
                    None => return cite::end(citations),
                }
            }
        }
        Action::Erase(args) => {
            engine.delete_user(&args.user)?;
            if context.json { show::document(&json!({ "erased": args.user })) } else { show::text("Forgotten.") }
        }
    }
}

fn import(context: &Context, engine: &Engine, args: &ImportArgs) -> anyhow::Result<()> {
    let list = references_from_bytes(&streams::read(&args.file)?, args.format)?;
    let named = (args.file.as_os_str() != "-").then(|| args.file.file_name()).flatten();
    let import = Import {
        kind: args.kind,
        embed_missing: args.embed_missing,
        name: named.map(|name| name.to_string_lossy().into_owned()),
    };
    let file = args.file.display().to_string();
    if args.dry_run {
        let preview = engine.preview_history(&args.user, &list, &import)?;
        return if context.json { show::document(&preview) } else { show::table(preview_lines(&preview)) };
    }
    let progress = Progress::new(&file, "entries", None);
    let so_far = Mutex::new(None);
    let done = engine.import_history(&args.user, &list, &import, &|p: &ImportProgress| {
        progress.at(p.done, p.total);
        *so_far.lock().unwrap_or_else(PoisonError::into_inner) = Some(p.clone());
    });
    progress.finish();
    let done = match done {
        Ok(done) => done,
        Err(e) => {
            if let Some(p) = so_far.into_inner().unwrap_or_else(PoisonError::into_inner) {
                say!(
                    "{} of {} entries are in, as import {}: `paperkin history undo` takes it back, and the list may be \
                     imported again",
                    show::thousands(p.done),
                    show::thousands(p.total),
                    p.import
                );
            }
            return Err(e.into());
        }
    };
    for r in &done.rejected {
        let id = r.id.as_ref().map_or_else(String::new, |id| format!(" ({id})"));
        let at = match done.rejected_unit {
            RejectedUnit::Line => r.line.to_string(),
            RejectedUnit::Entry => format!(" entry {}", r.line),
        };
        say!("{}", show::plain(&format!("{file}:{at}: rejected{id}: {}", r.reason)));
    }
    let further = done.rejected_total - done.rejected.len();
    if further > 0 {
        say!("{}", show::plain(&format!("{file}: {} more rejected", show::thousands(further))));
    }
    for w in &done.warnings {
        say!("{}", show::plain(&format!("{file}:{}: warning: {}: {}", w.line, w.field, w.reason)));
    }
    let further = done.warnings_total - done.warnings.len();
    if further > 0 {
        say!("{}", show::plain(&format!("{file}: {} more warnings", show::thousands(further))));
    }
    if context.json {
        return show::document(&done);
    }
    let mut lines = vec![format!(
        "{} of {} references are in the corpus; {} new events, {} known already, {} embedded to learn from",
        done.matched.len(),
        list.references.len(),
        done.accepted,
        done.unchanged,
        done.embedded
    )];
    lines.extend(done.missing.iter().map(|m| format!("not found: {m}")));
    show::table(&lines)
}

/// How each entry of a list would be read, one line an entry.
fn preview_lines(preview: &Imported) -> Vec<String> {
    let mut lines = vec![format!(
        "{}: {} entries, {} in the corpus, {} not, {} rejected; {} new events, {} known already, {} embedded to learn from. \
         Nothing was written.",
        named(&preview.format),
        preview.total,
        preview.matched.len(),
        preview.missing.len(),
        preview.rejected_total,
        preview.accepted,
        preview.unchanged,
        preview.embedded
    )];
    lines.extend(preview.entries.iter().map(|entry| {
        let name = match (&entry.title, &entry.key) {
            (Some(title), _) => title.as_str(),
            (None, key) => key.as_deref().unwrap_or_default(),
        };
        let became = match entry.status {
            EntryStatus::Matched => {
                format!("  → {} (by {})", entry.paper.as_deref().unwrap_or_default(), entry.by.unwrap_or_default())
            }
            EntryStatus::Missing if entry.teaches => "  → teaches all the same".into(),
            EntryStatus::Missing => String::new(),
            EntryStatus::Rejected => format!("  {}", entry.reason.as_deref().unwrap_or_default()),
        };
        format!("{:>6}  {:<8}  {name}{became}", entry.line, named(&entry.status))
    }));
    let further = preview.rejected_total - preview.rejected.len();
    if further > 0 {
        lines.push(format!("and {} more rejected", show::thousands(further)));
    }
    lines
}

fn import_line(import: &ImportView) -> String {
    let about = &import.about;
    let far = if import.status == ImportStatus::Done {
        String::new()
    } else {
        format!(" after {} of {} entries", show::thousands(import.done), show::thousands(import.total))
    };
    let error = about.error.as_ref().map_or_else(String::new, |e| format!(": {e}"));
    format!(
        "{:>4}  {}  {}{far}{error}  {}  {}: {} matched, {} missing, {} rejected; {} new events, {} embedded",
        import.id,
        import.begun,
        named(&import.status),
        about.name.as_deref().unwrap_or("a list"),
        about.format,
        about.matched_total,
        about.missing_total,
        about.rejected_total,
        about.accepted,
        about.embedded
    )
}
