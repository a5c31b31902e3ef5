//! Where a command reads and writes: the streams and files of this process or, if a running service carries it out,
//! those of the process that asked (`desk`). Every command goes through this module, so that it need not know which of
//! the two it is.
//!
//! The streams belong to the thread on which the command runs. Callbacks on other threads must take them along
//! ([`here`]).

use std::cell::RefCell;
use std::fmt::Arguments;
use std::fs::{self, File};
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use console::Term;

use crate::error::{Error, Result};
use crate::paper::shown;
use crate::sources::{self, Unpacking};

/// Prints a line to the stderr of the command, as `eprintln!` does to that of the process.
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::streams::here().say(format_args!($($text)*)) };
}
pub(crate) use say;

thread_local! {
    static HERE: RefCell<Option<Arc<Streams>>> = const { RefCell::new(None) };
}

static OWN: LazyLock<Arc<Streams>> = LazyLock::new(|| {
    Arc::new(Streams {
        out: Mutex::new(Box::new(io::stdout())),
        err: Mutex::new(Box::new(io::stderr())),
        terms: (Term::stdout(), Term::stderr()),
        colours: (console::colors_enabled(), console::colors_enabled_stderr()),
        operation: Box::new(FileOperation::run),
        stopped: Arc::default(),
    })
});

/// Does a file operation, in the other process if the command belongs to one.
pub type RunOperation = Box<dyn Fn(&FileOperation) -> io::Result<OperationResult> + Send + Sync>;

/// What a command prints to and reads from.
pub struct Streams {
    // Each is locked for one piece of text.
    out: Mutex<Box<dyn Write + Send>>,
    err: Mutex<Box<dyn Write + Send>>,
    /// What stdout and stderr are connected to.
    terms: (Term, Term),
    /// Whether they show colours.
    colours: (bool, bool),
    operation: RunOperation,
    /// Set when nobody waits for the command any more: it ends at its next read or write.
    stopped: Arc<AtomicBool>,
}

/// The streams of the command that runs on this thread.
pub fn here() -> Arc<Streams> {
    HERE.with_borrow(|here| here.clone()).unwrap_or_else(|| Arc::clone(&OWN))
}

impl Streams {
    /// The streams of another process: its stdout and stderr, what these are connected to, and how to reach its files.
    #[cfg(unix)]
    pub fn of_another(
        (out, err): (File, File),
        colours: (bool, bool),
        operation: RunOperation,
        stopped: Arc<AtomicBool>,
    ) -> io::Result<Self> {
        let term = |file: &File| Ok::<_, io::Error>(Term::read_write_pair(file.try_clone()?, file.try_clone()?));
        let terms = (term(&out)?, term(&err)?);
        let (out, err) = (Mutex::new(Box::new(io::LineWriter::new(out)) as _), Mutex::new(Box::new(err) as _));
        Ok(Streams { out, err, terms, colours, operation, stopped })
    }

    /// Runs `command` with these streams.
    #[cfg(unix)]
    pub fn during<T>(self: &Arc<Self>, command: impl FnOnce() -> T) -> T {
        /// Restores the previous streams, even if the command panics.
        struct Back(Option<Arc<Streams>>);
        impl Drop for Back {
            fn drop(&mut self) {
                HERE.set(self.0.take());
            }
        }
        let _back = Back(HERE.replace(Some(Arc::clone(self))));
        command()
    }

    /// Whether nobody waits for the command any more.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Whether they are those of this process, which ends with the command.
    pub fn is_own(self: &Arc<Self>) -> bool {
        Arc::ptr_eq(self, &OWN)
    }

    /// Prints a message to stderr, made safe for terminals: whatever it quotes, it is one line. Failures are ignored: there is
    /// nowhere left to report them.
    pub fn say(&self, text: Arguments<'_>) {
        self.say_as_it_is(&shown(&text.to_string()));
    }

    /// The same with text of our own; its line breaks are kept.
    pub fn say_text(&self, text: &str) {
        let lines: Vec<String> = text.split('\n').map(shown).collect();
        self.say_as_it_is(&lines.join("\n"));
    }

    /// The same with several lines of which some quote others. Those behind the first are set in, so that none looks like a message of its own.
    pub fn say_lines(&self, text: &str) {
        let lines: Vec<String> = text.split('\n').map(shown).collect();
        self.say_as_it_is(&lines.join("\n  "));
    }

    /// Prints a message with colours. It must contain nothing that was written by somebody else.
    pub fn say_as_it_is(&self, text: &str) {
        let _ = writeln!(self.err.lock().unwrap_or_else(PoisonError::into_inner), "{text}");
    }

    /// What stdout is connected to.
    pub fn out_term(&self) -> &Term {
        &self.terms.0
    }

    /// What stderr is connected to.
    pub fn err_term(&self) -> &Term {
        &self.terms.1
    }

    /// Whether stdout shows colours.
    pub fn coloured(&self) -> bool {
        self.colours.0
    }

    /// Whether stderr shows colours.
    pub fn err_coloured(&self) -> bool {
        self.colours.1
    }

    /// Flushes stdout.
    #[cfg(unix)]
    pub fn flush(&self) -> io::Result<()> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }

    fn run(&self, operation: &FileOperation) -> io::Result<OperationResult> {
        self.check()?;
        (self.operation)(operation)
    }

    /// Fails when nobody waits for the command any more.
    fn check(&self) -> io::Result<()> {
        match self.stopped.load(Ordering::Relaxed) {
            false => Ok(()),
            true => Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the command was stopped")),
        }
    }
}

/// The stdout of the command.
pub fn out() -> Out {
    Out(here())
}

/// See [`out`].
pub struct Out(Arc<Streams>);

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.check()?;
        self.0.out.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.out.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }
}

/// A file operation, done in the process where the command was given: with its rights and in its working folder.
#[derive(Debug, PartialEq)]
pub enum FileOperation {
    /// Open a file for reading; `-` is stdin.
    Open(PathBuf),
    /// Open a file for writing.
    Create(PathBuf, CreateMode),
    /// Look what is at a path.
    Look(PathBuf),
    /// Create a folder and its parents.
    MakeFolder(PathBuf),
    /// Give a file another name, in the place of what has it; durably.
    Rename(PathBuf, PathBuf),
    /// Remove a file.
    Remove(PathBuf),
}

/// How a file is created.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CreateMode {
    /// It must not exist.
    New,
    /// It must not exist, and only its owner may read it.
    Private,
    /// It replaces an existing file.
    Replace,
}

/// The result of a file operation.
pub enum OperationResult {
    /// A file.
    File(File),
    /// What is there.
    Entry(Entry),
    /// It is done.
    Done,
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Entry {
    /// A file with a length, which can be read more than once.
    pub is_file: bool,
    /// A folder.
    pub is_folder: bool,
    /// Bytes of the file; entries of the folder, of which more than one are not counted.
    pub length: u64,
}

impl FileOperation {
    /// Runs it in this process.
    pub fn run(&self) -> io::Result<OperationResult> {
        match self {
            FileOperation::Open(path) if path.as_os_str() == "-" => stdin().map(OperationResult::File),
            FileOperation::Open(path) => File::open(path).map(OperationResult::File),
            FileOperation::Create(path, CreateMode::Replace) => File::create(path).map(OperationResult::File),
            FileOperation::Create(path, manner) => {
                let mut options = File::options();
                options.write(true).create_new(true);
                #[cfg(unix)]
                if *manner == CreateMode::Private {
                    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                }
                options.open(path).map(OperationResult::File)
            }
            FileOperation::Look(path) => {
                let found = fs::metadata(path)?;
                let length = match found.is_dir() {
                    true => fs::read_dir(path)?.take(1).count() as u64,
                    false => found.len(),
                };
                Ok(OperationResult::Entry(Entry { is_file: found.is_file(), is_folder: found.is_dir(), length }))
            }
            FileOperation::MakeFolder(path) => fs::create_dir_all(path).map(|()| OperationResult::Done),
            FileOperation::Rename(from, to) => {
                fs::rename(from, to)?;
                match to.parent() {
                    // Only Unix lets a folder be opened and synced.
                    Some(folder) if cfg!(unix) => {
                        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
                        File::open(folder)?.sync_all()?;
                    }
                    _ => {}
                }
                Ok(OperationResult::Done)
            }
            FileOperation::Remove(path) => fs::remove_file(path).map(|()| OperationResult::Done),
        }
    }
}

#[cfg(unix)]
fn stdin() -> io::Result<File> {
    std::os::fd::AsFd::as_fd(&io::stdin()).try_clone_to_owned().map(File::from)
}

#[cfg(windows)]
fn stdin() -> io::Result<File> {
    std::os::windows::io::AsHandle::as_handle(&io::stdin()).try_clone_to_owned().map(File::from)
}

fn file(operation: &FileOperation) -> io::Result<Handled> {
    let streams = here();
    match streams.run(operation)? {
        OperationResult::File(file) => Ok(Handled { file, streams }),
        OperationResult::Entry(_) | OperationResult::Done => Err(io::Error::other("no file came back")),
    }
}

/// A file of the command. Reading and writing fail when nobody waits for the command any more.
pub struct Handled {
    file: File,
    streams: Arc<Streams>,
}

impl Handled {
    /// Syncs the file to disk.
    pub fn sync_all(&self) -> io::Result<()> {
        self.file.sync_all()
    }
}

impl Read for Handled {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(bytes)?;
        // Checked after the read, which may have taken long.
        self.streams.check()?;
        Ok(read)
    }
}

impl Write for Handled {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.streams.check()?;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Opens a file as it is; `-` is stdin.
///
/// # Errors
/// [`Error::Io`] when it is not there, is a folder, or cannot be read.
pub fn input(path: &Path) -> Result<Handled> {
    let opened = file(&FileOperation::Open(path.to_path_buf())).map_err(|e| Error::io(path, "cannot open", e))?;
    if opened.file.metadata().is_ok_and(|m| m.is_dir()) {
        return Err(Error::io(path, "cannot read", io::ErrorKind::IsADirectory.into()));
    }
    Ok(opened)
}

/// Opens a file by its content, not by its name: plain, gzip or Zstandard, unpacked up to the limits; `-` is stdin.
///
/// # Errors
/// As for [`input`].
pub fn open(path: &Path, allowed: Unpacking) -> Result<Box<dyn BufRead + Send>> {
    sources::unpacked(path, Box::new(input(path)?), allowed)
}

/// A line that a person types, or that is piped in; none at the end. On a terminal a sign asks for it. For commands that are
/// never carried out by another process.
///
/// # Errors
/// The system's.
pub fn line() -> io::Result<Option<String>> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        let mut err = io::stderr();
        write!(err, "> ")?;
        err.flush()?;
    }
    let mut line = String::new();
    Ok((stdin.lock().read_line(&mut line)? > 0).then_some(line))
}

/// Bytes of a file that is read as a whole.
const MAX_WHOLE: u64 = 256 << 20;

/// All of a file of at most 256 MB; `-` is stdin.
///
/// # Errors
/// As for [`input`]; [`Error::Invalid`] for a longer one.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut file = input(path)?.take(MAX_WHOLE + 1);
    file.read_to_end(&mut bytes).map_err(|e| Error::io(path, "cannot read", e))?;
    if bytes.len() as u64 > MAX_WHOLE {
        let path = path.display();
        return Err(Error::Invalid(format!("{path}: it is longer than {MAX_WHOLE} bytes; take it in in parts")));
    }
    Ok(bytes)
}

/// A file to write.
///
/// # Errors
/// [`Error::Io`].
pub fn create(path: &Path, manner: CreateMode) -> Result<Handled> {
    file(&FileOperation::Create(path.to_path_buf(), manner)).map_err(|e| Error::io(path, "cannot write", e))
}

/// What is at a path; none where nothing is, or nothing that can be seen.
pub fn look(path: &Path) -> Option<Entry> {
    match here().run(&FileOperation::Look(path.to_path_buf())) {
        Ok(OperationResult::Entry(entry)) => Some(entry),
        _ => None,
    }
}

/// Makes a folder, and those above it, where they are not there.
///
/// # Errors
/// [`Error::Io`].
pub fn make_folder(path: &Path) -> Result<()> {
    let made = here().run(&FileOperation::MakeFolder(path.to_path_buf()));
    made.map(drop).map_err(|e| Error::io(path, "cannot make the folder", e))
}

/// Gives a file another name, in the place of what has it.
///
/// # Errors
/// [`Error::Io`].
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    let renamed = here().run(&FileOperation::Rename(from.to_path_buf(), to.to_path_buf()));
    renamed.map(drop).map_err(|e| Error::io(to, "cannot rename to", e))
}

/// Removes a file, also when nobody waits for the command any more.
pub fn remove(path: &Path) {
    let _ = (here().operation)(&FileOperation::Remove(path.to_path_buf()));
}

/// Renames a data folder that is not open. Data folders belong to the process that carries the command out, unlike the
/// files that a command reads and writes.
///
/// # Errors
/// [`Error::Io`].
pub fn rename_data(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|e| Error::io(to, "cannot rename to", e))
}
