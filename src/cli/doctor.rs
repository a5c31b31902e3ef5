//! `paperkin doctor`

use super::{Context, Settings, say, show};
use crate::config::Server;
use crate::deliver::mail::Mailer;
use crate::doctor::{self, Patient};
use crate::engine::{Diagnosis, Engine};
use crate::error::Error;
use crate::http::Certificate;
use crate::store::{Finding, Health};
use crate::user::Moment;

/// Check everything and say what to do
///
/// Reads the whole data folder: every page of the database against its checksum, SQLite's own integrity check, every
/// paper against its hash, whether all acknowledged changes are present, the files of both indexes and the recall of
/// searches, the model, the free disk space and how long it lasts. Looks at the machine as well: who may read the
/// folder and the files that settings name, the certificate of TLS, the clock, the limit of open files, the memory, the sources of papers,
/// and asks the server of mail whether it would take any. Changes nothing. `warn` is
/// something to look at by day; exit status 1 when something is BAD. On a folder that is being served, the service does
/// the check.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin doctor
  paperkin doctor --json | jq '.checks[] | select(.status != \"ok\")'
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
    let served = matches!(context.settings, Settings::Served(..));
    let patient = |engine: Option<&Engine>| {
        let mail = config.mail.as_ref().map(|mail| Mailer::open(mail).and_then(|mailer| mailer.check()));
        let mut found = doctor::look(&Patient { config: &config, engine, served, mail });
        // Read as `serve` reads it, which is where it is known what a certificate is.
        found.extend(certificate(&config.server));
        found
    };
    let diagnosis = match &opened {
        Ok(engine) => engine.diagnose().behind(patient(Some(engine))),
        Err(why) => Diagnosis::of_closed(&config.data, why).behind(patient(None)),
    };
    if context.json {
        show::document(&diagnosis)?;
    } else {
        let mut lines = Vec::new();
        for check in &diagnosis.checks {
            let word = match check.status {
                Health::Ok => "ok  ",
                Health::Warning => "warn",
                Health::Bad => "BAD ",
            };
            lines.push(format!("{word} {:<13} {}", check.check, check.found));
            lines.extend(check.help.iter().map(|help| format!("     {:<13} -> {help}", "")));
        }
        show::table(&lines)?;
    }
    match diagnosis.checks.iter().filter(|c| !c.ok).count() {
        0 => Ok(()),
        1 => anyhow::bail!("one thing is not as it should be"),
        n => anyhow::bail!("{n} things are not as they should be"),
    }
}

/// Whether the certificate of the settings can be served, and for how long; none where there is none.
fn certificate(server: &Server) -> Option<Finding> {
    const CHECK: &str = "certificate";
    let (certificate, key) = (server.tls_certificate.as_ref()?, server.tls_key.as_ref()?);
    Some(match Certificate::read(certificate, key) {
        Err(e) => Finding::bad(CHECK, e.to_string(), "mend what it names: `serve` does not start with it"),
        Ok(read) => match read.warnings(Moment::now()) {
            told if told.is_empty() => {
                Finding::good(CHECK, format!("it fits its key and is valid until {}", read.expires()))
            }
            told if read.expires() <= Moment::now() => {
                Finding::bad(CHECK, told.join("; "), "renew it; `kill -HUP` of the service takes the new one")
            }
            told => Finding::warning(
                CHECK,
                told.join("; "),
                "renew it in time; `kill -HUP` of the service takes the new one",
            ),
        },
    })
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
