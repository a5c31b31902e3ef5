//! `paperkin index`

use super::show::{counted, thousands};
use super::{Context, show};

/// Look after the vector index
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
    /// Search for a sample of papers, compare with the exact scan, and read every file
    ///
    /// Fails when a file is damaged, a paper cannot be found by its own vector, or a part of a graph cannot be reached.
    Check {
        /// Papers to search for
        #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        sample: u32,
    },
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let Action::Check { sample } = args.action;
    let engine = context.open_filled()?;
    let checked = engine.check_index(sample as usize);
    if context.json {
        show::document(&checked)?;
    } else {
        let mut lines = vec![
            format!("recall@10    {:.4} over {} papers", checked.recall, thousands(checked.sample)),
            format!("lost         {} not found by their own vector", counted(checked.lost, "paper")),
            format!("unreachable  {} of the graphs", counted(checked.unreachable, "point")),
        ];
        lines.push(match checked.damaged.len() {
            0 => "files        every byte is as it was written".to_string(),
            n => format!("files        {} damaged:", counted(n, "segment")),
        });
        lines.extend(checked.damaged.iter().map(|why| format!("             {why}")));
        show::text(&lines.join("\n"))?;
    }
    if checked.lost + checked.unreachable + checked.damaged.len() > 0 {
        anyhow::bail!(
            "the index is not as it should be; stop the service, remove the folder `index` in the data folder, and open it \
             again: it is built from the store"
        );
    }
    Ok(())
}
