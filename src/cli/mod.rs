//! The command line: one file a command. Results go to stdout, everything else to stderr.

mod ask;
mod backup;
mod cite;
mod demo;
mod desk;
mod digest;
mod doctor;
mod embed;
mod eval;
mod fetch;
mod health;
mod history;
mod index;
mod info;
mod ingest;
mod init;
mod install;
mod keys;
mod mcp;
mod progress;
mod recommend;
mod reembed;
mod report;
mod search;
mod serve;
mod show;
mod sign_in;
mod similar;
mod sources;
mod streams;
mod subscriptions;
#[cfg(test)]
mod tests;
mod theme_map;
mod themes;
mod transfer;
mod users;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{ArgAction, Parser, Subcommand};

use crate::config::{Config, DeviceChoice, Flags, IndexKind, KernelChoice, LogFormat, Precision};
use crate::engine::{Engine, Opened};
use crate::error::Error;
use crate::logs::{self, Logging};
use report::{refuse, report, wrong_usage};
use streams::say;

/// Finds a reader the few papers that matter.
///
/// Papers are read from JSON Lines and embedded by a small transformer. Find them by similarity to a paper, to a
/// phrase, or to what you like.
#[derive(Parser)]
#[command(
    name = "paperkin",
    version,
    arg_required_else_help = true,
    max_term_width = 110,
    after_help = "Examples:
  paperkin demo                                  try it on a built-in corpus
  paperkin ingest papers.jsonl.zst               add papers
  paperkin search \"robots that fold laundry\"     find some
  paperkin serve                                 open http://127.0.0.1:7878

Settings come from a file (--config, else paperkin.toml in the data folder), then from the environment
(PAPERKIN_DATA, PAPERKIN_MODEL, PAPERKIN_DEVICE, PAPERKIN_ADDR, PAPERKIN_EF_SEARCH, ...), then from flags.
A command on a folder that is being served is carried out by the service, with the same answer.
Exit status: 0 done, 1 failed, 2 wrong usage."
)]
struct Args {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Args)]
#[command(next_help_heading = "Options of every command")]
struct Global {
    /// The data folder [default: ./paperkin-data]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Settings file
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// all-MiniLM-L6-v2, a folder in Hugging Face layout, or a hub name [default: the data folder's own]
    #[arg(long, global = true, value_name = "NAME_OR_DIR")]
    model: Option<String>,
    /// Where the model runs
    #[arg(long, global = true)]
    device: Option<DeviceChoice>,
    /// What runs the model; the vectors are the same [default: auto]
    #[arg(long, global = true)]
    kernels: Option<KernelChoice>,
    /// Precision of the model's matrix products [default: the data folder's own, else the fastest as good as f32]
    #[arg(long, global = true)]
    precision: Option<Precision>,
    /// Length of a vector, for models that allow shorter ones (Matryoshka) [default: the data folder's own, else full]
    #[arg(long, global = true, value_name = "N")]
    dimension: Option<usize>,
    /// What finds the nearest vectors [default: segments]
    #[arg(long, global = true, value_name = "KIND")]
    index_kind: Option<IndexKind>,
    /// Print results as JSON (lists as JSON Lines)
    #[arg(long, global = true)]
    json: bool,
    /// More log messages (-vv: still more). PAPERKIN_LOG chooses by a filter instead, for example `warn` or
    /// `paperkin=debug,warn`
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// How the log is written to standard error [default: text]
    #[arg(long, global = true, value_name = "FORMAT")]
    log: Option<LogFormat>,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Args),
    Ingest(ingest::Args),
    Init(init::Args),
    Fetch(fetch::Args),
    Sources(sources::Args),
    Serve(serve::Args),
    Similar(similar::Args),
    Search(search::Args),
    Recommend(recommend::Args),
    Cite(cite::Args),
    Themes(themes::Args),
    History(history::Args),
    Users(users::Args),
    Keys(keys::Args),
    Digest(digest::Args),
    Subscriptions(subscriptions::Args),
    Mcp(mcp::Args),
    Embed(embed::Args),
    Info(info::Args),
    Doctor(doctor::Args),
    Health(health::Args),
    Index(index::Args),
    Reembed(reembed::Args),
    Eval(eval::Args),
    Export(transfer::ExportArgs),
    Import(transfer::ImportArgs),
    Backup(backup::BackupArgs),
    Restore(backup::RestoreArgs),
    Completions(install::CompletionsArgs),
    Man(install::ManArgs),
}

impl Command {
    /// The HTTP call that does the same, named when the folder is in use by a process that cannot answer; empty if none
    /// does.
    fn call(&self) -> &'static str {
        match self {
            Command::Ingest(_) | Command::Import(_) => "`POST /v1/papers`",
            Command::Fetch(_) | Command::Sources(_) => "`/v1/sources`",
            Command::Similar(_) => "`GET /v1/papers/{id}/similar`",
            Command::Search(_) => "`GET /v1/search`",
            Command::Recommend(_) => "`POST /v1/recommend`",
            Command::Cite(_) => "`GET /v1/papers/{id}/citation`",
            Command::Themes(_) => "`GET /v1/themes`",
            Command::History(_) => "`/v1/users/{user}/history` and `/v1/users/{user}/events`",
            Command::Users(_) => "`/v1/users`",
            Command::Keys(_) => "`/v1/keys`",
            Command::Digest(_) => "`/v1/digests` and `GET /v1/users/{user}/feed`",
            Command::Subscriptions(_) => "`/v1/subscriptions`",
            Command::Info(_) | Command::Doctor(_) => "`GET /readyz`",
            Command::Index(_) => "`GET /metrics` (what is known of the index)",
            Command::Mcp(_) => "`/mcp`",
            Command::Embed(_) => "`POST /v1/embed`",
            Command::Export(_) => "`GET /v1/papers` (a page at a time)",
            Command::Backup(_) => "`GET /v1/backup`",
            Command::Demo(_)
            | Command::Init(_)
            | Command::Serve(_)
            | Command::Reembed(_)
            | Command::Eval(_)
            | Command::Restore(_)
            | Command::Health(_)
            | Command::Completions(_)
            | Command::Man(_) => "",
        }
    }

    fn run(&self, context: &Context) -> anyhow::Result<()> {
        match self {
            Command::Demo(args) => demo::run(context, args),
            Command::Ingest(args) => ingest::run(context, args),
            Command::Init(args) => init::run(context, args),
            Command::Fetch(args) => fetch::run(context, args),
            Command::Sources(args) => sources::run(context, args),
            Command::Serve(args) => serve::run(context, args),
            Command::Similar(args) => similar::run(context, args),
            Command::Search(args) => search::run(context, args),
            Command::Recommend(args) => recommend::run(context, args),
            Command::Cite(args) => cite::run(context, args),
            Command::Themes(args) => themes::run(context, args),
            Command::History(args) => history::run(context, args),
            Command::Users(args) => users::run(context, args),
            Command::Keys(args) => keys::run(context, args),
            Command::Digest(args) => digest::run(context, args),
            Command::Subscriptions(args) => subscriptions::run(context, args),
            Command::Mcp(args) => mcp::run(context, args),
            Command::Embed(args) => embed::run(context, args),
            Command::Info(args) => info::run(context, args),
            Command::Doctor(args) => doctor::run(context, args),
            Command::Index(args) => index::run(context, args),
            Command::Reembed(args) => reembed::run(context, args),
            Command::Eval(args) => eval::run(context, args),
            Command::Export(args) => transfer::export(context, args),
            Command::Import(args) => transfer::import(context, args),
            Command::Backup(args) => backup::backup(context, args),
            Command::Restore(args) => backup::restore(context, args),
            Command::Health(args) => health::run(context, args),
            Command::Completions(args) => install::completions(args),
            Command::Man(args) => install::man(args),
        }
    }
}

/// What a command needs to know besides its own arguments.
struct Context {
    settings: Settings,
    json: bool,
    /// The HTTP call that does the same.
    call: &'static str,
}

/// Where the settings and the folder come from.
enum Settings {
    /// The flags; the folder is to be opened.
    Flags(Flags),
    /// The folder is open in this process, which carries the command out for another: its settings.
    Served(Box<Config>, Arc<Engine>),
}

impl Context {
    fn config(&self) -> anyhow::Result<Config> {
        match &self.settings {
            Settings::Flags(flags) => Ok(Config::load(flags.clone(), &|name| std::env::var(name).ok())?),
            Settings::Served(config, _) => Ok((**config).clone()),
        }
    }

    /// Opens the data folder, and says on stderr what had to be healed.
    fn open(&self) -> anyhow::Result<Arc<Engine>> {
        self.open_with(self.config()?)
    }

    /// The same with changed settings.
    fn open_with(&self, config: Config) -> anyhow::Result<Arc<Engine>> {
        match &self.settings {
            Settings::Flags(_) => Ok(Arc::new(open(config).map_err(|e| self.with_call(e))?)),
            Settings::Served(_, engine) => {
                engine.check_model(&config)?;
                Ok(Arc::clone(engine))
            }
        }
    }

    /// Adds to an "in use" error the HTTP call that does the same.
    fn with_call(&self, e: anyhow::Error) -> anyhow::Error {
        match e.downcast_ref::<Error>() {
            Some(Error::InUse { .. }) if !self.call.is_empty() => {
                anyhow::anyhow!("{e}. Over HTTP, use {}", self.call)
            }
            _ => e,
        }
    }

    /// Opens a data folder that must have papers already.
    fn open_filled(&self) -> anyhow::Result<Arc<Engine>> {
        self.filled(self.config()?)
    }

    fn filled(&self, config: Config) -> anyhow::Result<Arc<Engine>> {
        if matches!(self.settings, Settings::Flags(_)) && !Engine::is_made(&config.data) {
            let what = if config.data.is_dir() { "there are no papers in this folder" } else { "no such data folder" };
            anyhow::bail!("{}: {what}; `paperkin ingest FILE` makes one, --data names another", config.data.display());
        }
        self.open_with(config)
    }

    /// Opens the data folder with the model it has, whatever the flags ask for.
    fn open_as_it_is(&self) -> anyhow::Result<Arc<Engine>> {
        self.filled(Config { model: None, precision: None, dimension: None, ..self.config()? })
    }
}

fn open(config: Config) -> anyhow::Result<Engine> {
    let progress = std::cell::OnceCell::new();
    let told = |done, total| {
        let begun =
            || progress::Progress::new("bringing a folder of an earlier version up to date", "papers", Some(total));
        progress.get_or_init(begun).at(done, total);
    };
    let Opened { engine, index, words_doubt, renewed, told } = Engine::open_telling(config, &told)?;
    if let Some(progress) = progress.get() {
        progress.finish();
        let count = show::counted(renewed, "paper");
        say!("the folder of an earlier version is up to date: {count} re-read with better rules, with new vectors");
    }
    for warning in told {
        say!("warning: {warning}");
    }
    if let Some(doubt) = words_doubt {
        say!("the index of words could not be used ({doubt}); it was built again from the store");
    }
    if let Some(doubt) = index.doubt {
        say!("the index could not be used ({doubt}); it was built again from the store");
        if let Err(e) = engine.maintain() {
            say!("warning: {e}");
        }
    }
    Ok(engine)
}

impl Args {
    /// The command, and what it needs to know.
    fn into_parts(self, settings: impl FnOnce(Flags) -> Settings) -> (Command, Context) {
        let Args { global, command } = self;
        let served = match &command {
            Command::Serve(args) => args.flags(),
            Command::Demo(args) => Flags { addr: args.addr.clone(), insecure: args.insecure, ..Flags::default() },
            _ => Flags::default(),
        };
        let flags = Flags {
            config: global.config,
            data: global.data,
            model: global.model,
            device: global.device,
            kernels: global.kernels,
            precision: global.precision,
            dimension: global.dimension,
            index_kind: global.index_kind,
            log: global.log,
            ..served
        };
        let context = Context { settings: settings(flags), json: global.json, call: command.call() };
        (command, context)
    }
}

/// Parses the command line, runs the command and reports an error. On a folder that is being served, the service runs
/// the command and gives the same answer.
pub fn run() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let args = match Args::try_parse_from(&words) {
        Ok(args) => args,
        Err(e) => return ExitCode::from(refuse(&e, &words)),
    };
    let verbose = args.global.verbose;
    let (command, context) = args.into_parts(Settings::Flags);
    log(&command, &context, verbose);
    // An index may have many files, and systems often allow only a few until asked for more.
    crate::http::raise_descriptor_limit();
    let status = match ask(&command, &context, &words) {
        Ok(Some(status)) => status,
        Ok(None) => report(command.run(&context), &words),
        Err(e) => report(Err(e), &words),
    };
    logs::flush(LAST_WORDS);
    ExitCode::from(status)
}

/// How long the last lines of the log may take to be written.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// Lets the service that serves the folder run the command. `None` if no service does, or the command needs no folder.
fn ask(command: &Command, context: &Context, words: &[OsString]) -> anyhow::Result<Option<u8>> {
    if matches!(command, Command::Demo(_) | Command::Embed(_) | Command::Init(_))
        || matches!(command, Command::Health(_) | Command::Completions(_) | Command::Man(_))
    {
        return Ok(None);
    }
    if let Command::Eval(args) = command
        && args.has_own_folders()
    {
        return Ok(None);
    }
    if let Command::Restore(args) = command
        && args.is_check()
    {
        return Ok(None);
    }
    let config = context.config()?;
    match desk::reach(&config.data)? {
        None => Ok(None),
        Some(service) if matches!(command, Command::Serve(_)) => anyhow::bail!(service.refusal(&config.data)),
        Some(_) if matches!(command, Command::Restore(_)) => anyhow::bail!(
            "the data folder {} is being served. Stop the service before it is restored, or name another with --data",
            config.data.display()
        ),
        Some(service) => service.ask(words, config).map(Some),
    }
}

/// Carries out a command for another process, over an engine that is open here. The settings are those of the other
/// process. Some take effect only when an engine is opened; where these differ, a note says so.
#[cfg(unix)]
fn carry_out(words: &[OsString], config: Config, engine: &Arc<Engine>) -> u8 {
    let args = match Args::try_parse_from(words) {
        Ok(args) => args,
        Err(e) => return refuse(&e, words),
    };
    let own = engine.config();
    let mut others = config.tuning.of_answers_unlike(&own.tuning);
    others.extend((config.device != own.device).then(|| "device".to_string()));
    others.extend((config.index != own.index).then(|| "index kind".to_string()));
    others.extend((config.kernels != own.kernels).then(|| "kernels".to_string()));
    if !others.is_empty() {
        say!("note: the service that answers was started with its own settings; not heeded: {}", others.join(", "));
    }
    let served = |_| Settings::Served(Box::new(config), Arc::clone(engine));
    let (command, context) = args.into_parts(served);
    report(command.run(&context), words)
}

/// Lets the process log, as the settings say. Settings that cannot be read are told by the command that needs them.
fn log(command: &Command, context: &Context, verbose: u8) {
    let settings = context.config().map(|config| config.log).unwrap_or_default();
    let by_flags = || {
        let level = ["warn", "paperkin=info,warn", "paperkin=debug,info"][usize::from(verbose.min(2))];
        let requests = match command {
            Command::Serve(_) if settings.requests => ["info", "info", "debug"][usize::from(verbose.min(2))],
            _ => "warn",
        };
        format!("{level},{}={requests},{},{}", logs::REQUESTS, crate::index::QUIET, crate::http::QUIET)
    };
    let filter = std::env::var("PAPERKIN_LOG").ok().filter(|filter| !filter.is_empty()).unwrap_or_else(by_flags);
    Logging { format: settings.format, filter, colours: streams::here().err_coloured() }.start();
}
