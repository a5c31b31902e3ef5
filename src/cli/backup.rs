//! `paperkin backup` and `paperkin restore`

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::json;

use super::progress::{Progress, duration, meanwhile};
use super::show::{bytes, counted};
use super::streams::{self, CreateMode, here, say};
use super::{Context, Settings, show};
use crate::backup::{self, Manifest, Taken, Written};
use crate::config::Config;
use crate::engine::Engine;
use crate::error::Error;

/// Write everything into one file, also while the folder is being served
///
/// Papers, vectors, readers with everything they did and set, themes, keys and sessions, and the settings file where it lies in the
/// folder, as of one commit: what was acknowledged before the command began is in it, and writing goes on meanwhile. The file is
/// read again and compared before the command says that it is done, and has its name only then.
///
/// It is a tar archive packed with Zstandard. The indexes are not in it (`restore` makes them again), nor is the model. Keep it
/// as you keep the data folder: it holds what people read. For a copy that people can read, and that other programs can, see
/// `export`, which leaves keys and sessions out.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin backup monday.tar.zst
  paperkin backup - | ssh vault 'cat > paperkin.tar.zst'
  curl -H 'Authorization: Bearer pk_...' https://papers.example/v1/backup -o monday.tar.zst
  tar --zstd -xOf monday.tar.zst paperkin-backup.json      what is in it")]
pub struct BackupArgs {
    /// The file; `-` for stdout
    file: PathBuf,
    /// Replace a file of that name
    #[arg(long)]
    force: bool,
}

/// Make a data folder of a backup
///
/// Every byte of the backup is compared with its checksum, and the database looked at, before the folder is there; it is there as a whole
/// or not at all, whenever the command is stopped. Then its indexes are made (seconds for ten thousand papers, minutes for
/// hundreds of thousands).
///
/// The folder may be restored on another machine. It keeps its model and precision; where that model cannot be run, the command says
/// so, and `paperkin reembed` moves the folder to another.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin restore monday.tar.zst --data restored
  paperkin restore monday.tar.zst --check                   is it whole? nothing is written
  paperkin restore monday.tar.zst --force                   the folder that is there is moved aside")]
pub struct RestoreArgs {
    /// The file; `-` for stdin
    file: PathBuf,
    /// Only compare everything with its checksums
    #[arg(long, conflicts_with = "force")]
    check: bool,
    /// Move a data folder that is there aside, as DIR.before-TIME
    #[arg(long)]
    force: bool,
}

impl RestoreArgs {
    /// Whether no folder is needed.
    pub fn is_check(&self) -> bool {
        self.check
    }
}

/// Bytes of a MB, in which progress is told.
const MB: u64 = 1_000_000;

pub fn backup(context: &Context, args: &BackupArgs) -> anyhow::Result<()> {
    let engine = context.open_as_it_is()?;
    let began = Instant::now();
    let file = &args.file;
    let to_stdout = file.as_os_str() == "-";
    if to_stdout && here().out_term().is_term() {
        anyhow::bail!("a backup is not for a terminal; name a file, or send stdout somewhere");
    }
    let found = streams::look(file).filter(|_| !to_stdout);
    if found.is_some_and(|found| found.is_folder) {
        anyhow::bail!("{}: this is a folder; name a file", file.display());
    }
    if found.is_some() && !args.force {
        anyhow::bail!("{}: the file is there already; name another, or replace it with --force", file.display());
    }
    let taken = heard("copy", |progress| Taken::take(&engine, progress))?;
    let manifest = taken.manifest().clone();
    if to_stdout {
        let written = taken.write(BufWriter::with_capacity(256 << 10, streams::out()), &|_, _| {})?;
        say!("{}", told(&manifest, &written, None, began));
        return Ok(());
    }
    let part = beside(file);
    let written = write(taken, &part).and_then(|written| {
        let read = streams::input(&part)?;
        let again = heard("compare", |progress| backup::check(read, progress))?;
        if again != manifest {
            anyhow::bail!("{}: what was written is not what is there (is the disk sound?)", file.display());
        }
        if streams::look(file).is_some() && !args.force {
            anyhow::bail!("{}: a file of that name has come meanwhile; name another", file.display());
        }
        streams::rename(&part, file)?;
        Ok(written)
    });
    let written = written.inspect_err(|_| streams::remove(&part))?;
    if context.json {
        return show::document(&json!({
            "file": file.display().to_string(), "bytes": written.bytes, "blake3": written.blake3, "backup": manifest,
        }));
    }
    show::table([told(&manifest, &written, Some(file), began)])
}

fn write(taken: Taken, part: &Path) -> anyhow::Result<Written> {
    let file = streams::create(part, CreateMode::Private)?;
    let mut file = BufWriter::with_capacity(256 << 10, file);
    let written = heard("write", |progress| taken.write(&mut file, progress)).map_err(|e| full_or(part, e))?;
    file.flush().map_err(|e| full_or(part, e))?;
    let file = file.into_inner().map_err(|e| full_or(part, e.into_error()))?;
    file.sync_all().map_err(|e| full_or(part, e))?;
    Ok(written)
}

fn full_or(path: &Path, e: std::io::Error) -> anyhow::Error {
    match e.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded | std::io::ErrorKind::FileTooLarge => {
            let folder = path.parent().unwrap_or(path).display().to_string();
            let folder = if folder.is_empty() { ".".into() } else { folder };
            anyhow::anyhow!("the disk of {folder} is full: no backup was made. Make room, or name a file elsewhere")
        }
        _ => Error::io(path, "cannot write", e).into(),
    }
}

/// A name beside a file, for as long as it is not whole.
fn beside(file: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(file.file_name().unwrap_or_default());
    name.push(format!(".{:08x}.part", fastrand::u32(..)));
    file.with_file_name(name)
}

/// What was made, in a sentence or two.
fn told(manifest: &Manifest, written: &Written, file: Option<&Path>, began: Instant) -> String {
    let holds = &manifest.store;
    let place = file.map_or_else(String::new, |file| format!(" in {}, read again and compared", file.display()));
    format!(
        "{}, {} with {}{place}: {} in {} (BLAKE3 {})",
        counted(holds.papers, "paper"),
        counted(holds.users, "reader"),
        counted(holds.events, "event"),
        bytes(written.bytes),
        duration(began.elapsed().as_secs_f64()),
        written.blake3
    )
}

pub fn restore(context: &Context, args: &RestoreArgs) -> anyhow::Result<()> {
    let config = context.config()?;
    if matches!(context.settings, Settings::Served(..)) {
        anyhow::bail!("a folder that is being served is not restored; stop the service first");
    }
    let began = Instant::now();
    let name = if args.file.as_os_str() == "-" { "stdin".into() } else { args.file.display().to_string() };
    let named = |e: Error| match e {
        Error::Damaged(why) | Error::Data(why) => Error::Data(format!("{name}: {why}. Nothing was restored")),
        e => e,
    };
    let input = streams::input(&args.file)?;
    if args.check {
        let manifest = heard("compare", |progress| backup::check(input, progress)).map_err(named)?;
        return match context.json {
            true => show::document(&manifest),
            false => show::table([format!("{name} is whole: {}", holds(&manifest))]),
        };
    }
    let done =
        heard("restore", |progress| backup::restore(input, &config.data, args.force, progress)).map_err(named)?;
    if let Some(aside) = &done.aside {
        say!("the folder that was there is {} now", aside.display());
    }
    let shown = config.data.display().to_string();
    say!("{shown}: {}", holds(&done.manifest));
    let opened = meanwhile("making the indexes", || index(&config, &done.manifest));
    let took = duration(began.elapsed().as_secs_f64());
    if context.json {
        let problem = opened.as_ref().map_or_else(|e| Some(e.to_string()), Clone::clone);
        show::document(&json!({
            "folder": shown, "aside": done.aside, "backup": done.manifest, "opened": problem.is_none(), "problem": problem,
        }))?;
    }
    match opened {
        Ok(None) if context.json => Ok(()),
        Ok(None) => show::text(&format!("restored in {took}; `paperkin doctor` looks at all of it")),
        Ok(Some(problem)) => {
            say!("warning: everything is restored, and not all of it works here: {problem}");
            Ok(())
        }
        Err(e) => Err(e.context("everything is restored, and the folder cannot be opened")),
    }
}

/// Opens the folder, which makes its indexes, and its model; gives what does not work on this machine.
fn index(config: &Config, manifest: &Manifest) -> anyhow::Result<Option<String>> {
    let config = Config { model: None, precision: None, dimension: None, ..config.clone() };
    let engine = Engine::open(config)?.engine;
    if let Err(e) = engine.embedder() {
        let model = &manifest.model;
        return Ok(Some(format!(
            "its model {} ({}) cannot be run here: {e}. Papers and lists can be seen; what needs the model (search by a phrase, new papers) does not work. Bring the model, or move the papers to another: `paperkin reembed --model MODEL`",
            model.name, model.precision
        )));
    }
    Ok(None)
}

fn holds(manifest: &Manifest) -> String {
    let store = &manifest.store;
    format!(
        "{}, {} with {}, of {} by paperkin {}",
        counted(store.papers, "paper"),
        counted(store.users, "reader"),
        counted(store.events, "event"),
        manifest.made,
        manifest.paperkin
    )
}

/// Runs something that tells how many bytes of how many are done.
fn heard<T>(name: &str, work: impl FnOnce(&dyn Fn(u64, u64)) -> T) -> T {
    let progress = Progress::new(name, "MB", None);
    let out = work(&|done, all| progress.at((done / MB) as usize, all.div_ceil(MB) as usize));
    progress.finish();
    out
}
