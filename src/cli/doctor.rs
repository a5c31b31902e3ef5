//! `paperkin doctor`

use super::{Context, Settings, say, show};
use crate::engine::{Diagnosis, Engine};
use crate::error::Error;

/// Look at everything, and say what to do
///
/// Reads all of the data folder: every page of the database against its checksum, what SQLite says of its structure, every
/// paper against its hash, whether all acknowledged changes are there, the files of both indexes, the model, the free disk.
/// Nothing is changed. Exit status 1 when something is not as it should be. On a folder that is being served the service looks.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin doctor
  paperkin doctor --json | jq '.checks[] | select(.ok | not)'
  paperkin doctor --accept     after a loss: take the store as it is")]
pub struct Args {
    /// Take the store as it is: changes that are missing are told of no more, and a damaged database is opened again, where
    /// SQLite can read all of it (the papers that are damaged stay so until they are ingested again)
    #[arg(long)]
    accept: bool,
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let config = context.config()?;
    if !config.has_folder() {
        anyhow::bail!("{}: no such data folder; --data names another", config.data.display());
    }
    let opened = match context.open_as_it_is() {
        Ok(engine) => Ok(engine),
        Err(e) => match e.downcast_ref::<Error>() {
            Some(Error::InUse { .. }) | None => return Err(e),
            Some(_) => Err(e.to_string()),
        },
    };
    if args.accept {
        return accept(context, opened);
    }
    let diagnosis = match opened {
        Ok(engine) => engine.diagnose(),
        Err(why) => Diagnosis::of_closed(&config.data, &why),
    };
    if context.json {
        show::document(&diagnosis)?;
    } else {
        let mut lines = Vec::new();
        for check in &diagnosis.checks {
            lines.push(format!("{} {:<13} {}", if check.ok { "ok " } else { "BAD" }, check.check, check.found));
            lines.extend(check.help.iter().map(|help| format!("    {:<13} -> {help}", "")));
        }
        show::text(&lines.join("\n"))?;
    }
    match diagnosis.checks.iter().filter(|c| !c.ok).count() {
        0 => Ok(()),
        1 => anyhow::bail!("one thing is not as it should be"),
        n => anyhow::bail!("{n} things are not as they should be"),
    }
}

fn accept(context: &Context, opened: Result<std::sync::Arc<Engine>, String>) -> anyhow::Result<()> {
    match opened {
        Ok(engine) => {
            let accepted = engine.accept_store()?;
            let found = accepted.unwrap_or_else(|| "nothing was missing".into());
            show::text(&format!("the store counts as whole from now on ({found})"))
        }
        Err(why) => {
            if matches!(context.settings, Settings::Served(..)) {
                anyhow::bail!(why);
            }
            let damaged = Engine::accept_closed(&context.config()?.data)?;
            if damaged > 0 {
                say!("{damaged} papers are damaged: `paperkin doctor` names them; ingest them again");
            }
            show::text("the database counts as whole from now on, as it is")
        }
    }
}
