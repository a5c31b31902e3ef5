//! `paperkin doctor`

use super::{Context, Settings, say, show};
use crate::engine::{Diagnosis, Engine};
use crate::error::Error;

/// Check everything and say what to do
///
/// Reads the whole data folder: every page of the database against its checksum, SQLite's own integrity check, every
/// paper against its hash, whether all acknowledged changes are present, the files of both indexes, the model, the free
/// disk space. Changes nothing. Exit status 1 when something is wrong. On a folder that is being served, the service
/// does the check.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin doctor
  paperkin doctor --json | jq '.checks[] | select(.ok | not)'
  paperkin doctor --accept     after a loss: take the store as it is")]
pub struct Args {
    /// Accept the store as it is: missing changes are no longer reported, and a damaged database is opened again if
    /// SQLite can read all of it (damaged papers stay damaged until they are ingested again)
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
        show::table(&lines)?;
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
            show::table([format!("the store counts as whole from now on ({found})")])
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
