//! `paperkin index`

use super::show::{counted, thousands};
use super::{Context, show};
use crate::config::IndexKind;

/// Maintain the vector index
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin index check
  paperkin index check --sample 2000 --json")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Compare searches for a sample of papers with the exact scan, and check every file of the index and every
    /// database page
    ///
    /// An index that is in memory alone (`hnsw_rs`) is linked first, which may take minutes, and has no files to read. Fails when a
    /// file or page is not as it was written, a paper cannot be found by its own vector, or a part of a
    /// graph is unreachable. `paperkin doctor` checks everything else as well.
    Check {
        /// Papers to search for
        #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        sample: u32,
    },
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let Action::Check { sample } = args.action;
    let engine = context.open_filled()?;
    let checkup = engine.check_index(sample as usize)?;
    let kind = engine.info()?.index.kind;
    let lasts = kind == IndexKind::Segments.name();
    let (checked, database) = (&checkup.index, &checkup.database);
    if context.json {
        show::document(&checkup)?;
    } else {
        let mut lines = vec![
            format!("kind         {kind}"),
            format!("recall@10    {:.4} over {} papers", checked.recall, thousands(checked.sample)),
            format!("lost         {} not found by their own vector", counted(checked.lost, "paper")),
            match checked.unreachable {
                Some(n) => format!("unreachable  {} of the graphs", counted(n, "point")),
                None if kind == IndexKind::Exact.name() => "unreachable  none: this index has no graph".to_string(),
                None => format!("unreachable  unknown: {kind} does not expose its links; see `lost`"),
            },
        ];
        lines.push(match (checked.damaged.len(), checked.files) {
            (0, 0) => "files        none to read: the index is in memory alone".to_string(),
            (0, n) => format!("files        {} of the index read: as they were written", counted(n, "file")),
            (n, _) => format!("files        {} of the index damaged:", counted(n, "segment")),
        });
        lines.extend(checked.damaged.iter().map(|why| format!("             {why}")));
        lines.push(match (database.damaged.len(), database.pages) {
            (0, 0) => "database     nothing is known of its pages yet".to_string(),
            (0, n) => format!("database     {} read: as they were written", counted(n, "page")),
            (n, all) => {
                format!("database     {} of {} are not as they were written", counted(n, "page"), thousands(all))
            }
        });
        show::table(&lines)?;
    }
    if !database.damaged.is_empty() {
        anyhow::bail!("the database is damaged; `paperkin doctor` says more");
    }
    if checked.lost + checked.unreachable.unwrap_or(0) + checked.damaged.len() > 0 {
        let how = if lasts {
            "stop the service, remove the folder `index` in the data folder, and open it again"
        } else {
            "open the folder again"
        };
        anyhow::bail!("the index is not as it should be; {how}: it is built from the store");
    }
    Ok(())
}
