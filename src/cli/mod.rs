//! The command line: one file a command. Results go to stdout, everything else to stderr.

mod ask;
mod demo;
mod digest;
mod embed;
mod eval;
mod history;
mod index;
mod info;
mod ingest;
mod progress;
mod recommend;
mod reembed;
mod search;
mod serve;
mod show;
mod similar;
mod theme_map;
mod themes;
mod transfer;

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::{ArgAction, CommandFactory, Parser, Subcommand};

use crate::config::{Config, DeviceChoice, Flags, Precision};
use crate::engine::{Engine, Opened};

/// Finds a reader the few papers that matter.
///
/// Papers go in as JSON Lines, are embedded by a small transformer, and come out by likeness: to a paper, to a phrase,
/// to what you like.
#[derive(Parser)]
#[command(
    name = "paperkin",
    version,
    arg_required_else_help = true,
    max_term_width = 110,
    after_help = "Examples:
  paperkin demo                                  try it on a built-in corpus
  paperkin ingest papers.jsonl.zst               take papers in
  paperkin search \"robots that fold laundry\"     find some
  paperkin serve                                 open http://127.0.0.1:7878

Settings come from a file (--config, else paperkin.toml in the data folder), then from the environment
(PAPERKIN_DATA, PAPERKIN_MODEL, PAPERKIN_DEVICE, PAPERKIN_ADDR, PAPERKIN_EF_SEARCH, ...), then from flags.
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
    /// A file of settings
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// all-MiniLM-L6-v2, a folder in Hugging Face layout, or a hub name [default: the data folder's own]
    #[arg(long, global = true, value_name = "NAME_OR_DIR")]
    model: Option<String>,
    /// Where the model runs
    #[arg(long, global = true)]
    device: Option<DeviceChoice>,
    /// How the model's products are taken [default: the data folder's own, else the fastest that is as good as f32]
    #[arg(long, global = true)]
    precision: Option<Precision>,
    /// Numbers of a vector, for models that allow fewer than all (Matryoshka) [default: the data folder's own, else all]
    #[arg(long, global = true, value_name = "N")]
    dimension: Option<usize>,
    /// Print results as JSON (lists as JSON Lines)
    #[arg(long, global = true)]
    json: bool,
    /// Say more (-vv: still more)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Args),
    Ingest(ingest::Args),
    Serve(serve::Args),
    Similar(similar::Args),
    Search(search::Args),
    Recommend(recommend::Args),
    Themes(themes::Args),
    History(history::Args),
    Digest(digest::Args),
    Embed(embed::Args),
    Info(info::Args),
    Index(index::Args),
    Reembed(reembed::Args),
    Eval(eval::Args),
    Export(transfer::ExportArgs),
    Import(transfer::ImportArgs),
}

/// What a command needs to know besides its own arguments.
struct Context {
    flags: Flags,
    json: bool,
}

impl Context {
    fn config(&self) -> anyhow::Result<Config> {
        Ok(Config::load(self.flags.clone(), &|name| std::env::var(name).ok())?)
    }

    /// Opens the data folder, and says on stderr what had to be healed.
    fn open(&self) -> anyhow::Result<Engine> {
        open(self.config()?)
    }

    /// Opens a data folder that must have papers already.
    fn open_filled(&self) -> anyhow::Result<Engine> {
        let config = self.config()?;
        if !Engine::is_made(&config.data) {
            let what = if config.data.is_dir() { "there are no papers in this folder" } else { "no such data folder" };
            anyhow::bail!("{}: {what}; `paperkin ingest FILE` makes one, --data names another", config.data.display());
        }
        open(config)
    }

    /// Opens the data folder with the model it has, whatever the flags ask for.
    fn open_as_it_is(&self) -> anyhow::Result<Engine> {
        let flags = Flags { model: None, precision: None, dimension: None, ..self.flags.clone() };
        Context { flags, json: self.json }.open_filled()
    }
}

fn open(config: Config) -> anyhow::Result<Engine> {
    let progress = std::cell::OnceCell::new();
    let told = |done, total| {
        let begun =
            || progress::Progress::new("a folder of an earlier version is brought up to date", "papers", Some(total));
        progress.get_or_init(begun).at(done, total);
    };
    let Opened { engine, index, words_doubt, renewed } = Engine::open_telling(config, &told)?;
    if let Some(progress) = progress.get() {
        progress.finish();
        let count = show::counted(renewed, "paper");
        eprintln!(
            "the folder of an earlier version is up to date: {count} whose text is read better now, with new vectors"
        );
    }
    if let Some(doubt) = words_doubt {
        eprintln!("the index of words could not be used ({doubt}); it was built again from the store");
    }
    if let Some(doubt) = index.doubt {
        eprintln!("the index could not be used ({doubt}); it was built again from the store");
        if let Err(e) = engine.maintain() {
            eprintln!("warning: {e}");
        }
    }
    Ok(engine)
}

/// Parses the command line and does what it says.
///
/// # Errors
/// Whatever the command could not do, for a person to read. Wrong usage ends the process with status 2.
pub fn run() -> anyhow::Result<()> {
    let Args { global, command } = Args::try_parse().unwrap_or_else(|e| refuse(&e));
    log(global.verbose);
    let addr = match &command {
        Command::Serve(args) => args.addr.clone(),
        Command::Demo(args) => args.addr.clone(),
        _ => None,
    };
    let flags = Flags {
        config: global.config,
        data: global.data,
        model: global.model,
        device: global.device,
        precision: global.precision,
        dimension: global.dimension,
        addr,
    };
    let context = Context { flags, json: global.json };
    match command {
        Command::Demo(args) => demo::run(&context, &args),
        Command::Ingest(args) => ingest::run(&context, &args),
        Command::Serve(args) => serve::run(&context, &args),
        Command::Similar(args) => similar::run(&context, &args),
        Command::Search(args) => search::run(&context, &args),
        Command::Recommend(args) => recommend::run(&context, &args),
        Command::Themes(args) => themes::run(&context, &args),
        Command::History(args) => history::run(&context, &args),
        Command::Digest(args) => digest::run(&context, &args),
        Command::Embed(args) => embed::run(&context, &args),
        Command::Info(args) => info::run(&context, &args),
        Command::Index(args) => index::run(&context, &args),
        Command::Reembed(args) => reembed::run(&context, &args),
        Command::Eval(args) => eval::run(&context, &args),
        Command::Export(args) => transfer::export(&context, &args),
        Command::Import(args) => transfer::import(&context, &args),
    }
}

/// Ends the process as clap does, for what no single flag shows to be wrong.
fn wrong_usage(why: impl std::fmt::Display) -> ! {
    let mut args = Args::command();
    args.build();
    let name = args.clone().get_matches().subcommand_name().map(str::to_string);
    let command = match name.and_then(|name| args.find_subcommand_mut(name)) {
        Some(command) => command,
        None => &mut args,
    };
    command.error(clap::error::ErrorKind::ValueValidation, why).exit()
}

/// Ends the process with what clap says, and with what it does not: where the missing words went.
fn refuse(e: &clap::Error) -> ! {
    // Nobody hears an error of writing it.
    let _ = e.print();
    let missing = e.get(clap::error::ContextKind::InvalidArg).map_or_else(String::new, ToString::to_string);
    let of_words = missing.starts_with("<WORDS>") || missing.starts_with("<ID>");
    if e.kind() == clap::error::ErrorKind::MissingRequiredArgument && of_words {
        const GREEDY: [&str; 3] = ["--category", "--author", "--exclude"];
        if let Some(flag) = GREEDY.iter().find(|flag| std::env::args_os().any(|arg| arg == **flag)) {
            eprintln!("\n{flag} takes every word behind it; put it last, or `--` between.");
        }
    }
    std::process::exit(e.exit_code())
}

fn log(verbose: u8) {
    let level = ["warn", "paperkin=info,warn", "paperkin=debug,info"][usize::from(verbose.min(2))];
    let filter = tracing_subscriber::EnvFilter::try_from_env("PAPERKIN_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let ansi = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(ansi).init();
}

#[cfg(test)]
mod tests {
    use super::ask::word;
    use super::*;
    use crate::engine::{Mode, PaperOrder};
    use crate::eval::sets::Half;
    use crate::eval::users::Method;
    use crate::rank::Strategy;
    use crate::sources::Format;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn help_names_the_words_that_are_taken() {
        for (commands, argument, known) in [
            ("search", "mode", word::<Mode>("").err()),
            ("themes", "sort", word::<PaperOrder>("").err()),
            ("recommend", "strategy", word::<Strategy>("").err()),
            ("history import", "format", word::<Format>("").err()),
            ("eval search", "mode", word::<Mode>("").err()),
            ("eval search", "half", word::<Half>("").err()),
            ("eval recommend", "strategy", word::<Strategy>("").err()),
            ("eval users", "method", word::<Method>("").err()),
        ] {
            let root = Args::command();
            let find = |command: &clap::Command, name: &str| command.find_subcommand(name).expect("a command").clone();
            let command = commands.split(' ').fold(root, |command, name| find(&command, name));
            let argument = command.get_arguments().find(|a| a.get_id() == argument).expect("an argument");
            let help = argument.get_help().expect("help").to_string();
            let known = known.expect("words");
            let words = known.trim_start_matches("it is one of ").split(", ");
            words.for_each(|word| assert!(help.contains(word), "{commands}: {help:?} does not name {word}"));
        }
    }
}
