//! `paperkin history`: what a user read, in and out and gone.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::ask::word;
use super::{Context, show};
use crate::engine::{Import, RejectedUnit};
use crate::error::Error;
use crate::eval::table::named;
use crate::sources::{Format, references_from_bytes};
use crate::user::EventKind;

/// The reading history of a user
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin history import ada library.bib
  paperkin history show ada
  paperkin history erase ada")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    Import(ImportArgs),
    Show(ShowArgs),
    Erase(EraseArgs),
}

/// Take a reference list into a user's history
///
/// References are matched to the corpus by id, DOI, arXiv id and title. What is not found is listed. The same list may be
/// imported again: nothing counts twice.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin history import ada library.bib
  paperkin history import ada zotero.json --kind like --embed-missing
  paperkin history import ada ids.txt --json | jq -r '.missing[]'")]
struct ImportArgs {
    /// The user; made if new
    user: String,
    /// The list, in any encoding: of a reference manager, a database, or an id a line; `-` for standard input
    file: PathBuf,
    /// How the file is written: bibtex, ris, csl or zotero (JSON), pubmed (.nbib, XML), endnote (.enw, XML), wos (Web of
    /// Science, text or tab-delimited), csv (Zotero, Scopus and others), ids (an id, DOI or address a line), titles (a title
    /// a line), or auto, which tells them apart but for titles and refuses what is none of them
    #[arg(long, default_value = "auto", value_parser = word::<Format>)]
    format: Format,
    /// What each reference counts as: save, like, view, click, dislike or dismiss
    #[arg(long, default_value = "save", value_parser = word::<EventKind>)]
    kind: EventKind,
    /// Embed what is not in the corpus, so that it teaches all the same
    #[arg(long)]
    embed_missing: bool,
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

/// Forget everything about a user
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
        Action::Import(args) => {
            let list = references_from_bytes(&read(&args.file)?, args.format)?;
            let import = Import { kind: args.kind, embed_missing: args.embed_missing };
            let done = engine.import_history(&args.user, &list, import)?;
            let file = args.file.display();
            for r in &done.rejected {
                let id = r.id.as_ref().map_or_else(String::new, |id| format!(" ({id})"));
                let at = match done.rejected_unit {
                    RejectedUnit::Line => r.line.to_string(),
                    RejectedUnit::Entry => format!(" entry {}", r.line),
                };
                eprintln!("{}", show::plain(&format!("{file}:{at}: rejected{id}: {}", r.reason)));
            }
            let further = done.rejected_total - done.rejected.len();
            if further > 0 {
                eprintln!("{}", show::plain(&format!("{file}: {} more rejected", show::thousands(further))));
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
            show::text(&lines.join("\n"))
        }
        Action::Show(args) => {
            let mut cursor = None;
            loop {
                let page = engine.events(&args.user, 500, cursor.as_deref())?;
                for e in &page.items {
                    if context.json {
                        show::lines(&mut std::io::stdout().lock(), [e])?;
                    } else {
                        show::text(&format!("{}  {:<8} {}", e.at, named(&e.kind), e.paper.as_str()))?;
                    }
                }
                cursor = page.next;
                if cursor.is_none() {
                    return Ok(());
                }
            }
        }
        Action::Erase(args) => {
            engine.delete_user(&args.user)?;
            if context.json { show::document(&json!({ "erased": args.user })) } else { show::text("Forgotten.") }
        }
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut bytes)?;
    } else {
        bytes = std::fs::read(path).map_err(|e| Error::io(path, "cannot read", e))?;
    }
    Ok(bytes)
}
