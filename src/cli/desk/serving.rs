//! The side of the service that carries out.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::wire::{self, Hello, Order, Reply, Request, Word};
use super::{SOCKET, within};
use crate::cli::report::FAILED;
use crate::cli::streams::{Errand, Found, RunErrand, Streams};
use crate::cli::{carry_out, say};
use crate::engine::Engine;

/// Commands that are carried out side by side.
const MOST: usize = 64;

/// How long a process that connects may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long commands may take to end when the service does.
const LEAVE: Duration = Duration::from_secs(3);

/// Where commands on the folder are taken; until it is dropped.
pub struct Desk {
    folder: PathBuf,
    shared: Arc<Shared>,
}

struct Shared {
    engine: Arc<Engine>,
    hello: Hello,
    closing: AtomicBool,
    // The commands under way, each with what stops it.
    jobs: Mutex<HashMap<u64, Arc<AtomicBool>>>,
    ended: Condvar,
    next: AtomicU64,
}

impl Desk {
    /// Takes commands on a folder that this process has open, in the background. A socket that an earlier process left is
    /// replaced.
    ///
    /// # Errors
    /// When the folder cannot hold a socket.
    pub fn open(folder: &Path, engine: &Arc<Engine>, url: &str) -> io::Result<Self> {
        let listener = listen(folder)?;
        let hello =
            Hello { version: env!("CARGO_PKG_VERSION").into(), process: std::process::id(), url: url.to_string() };
        let shared = Arc::new(Shared {
            engine: Arc::clone(engine),
            hello,
            closing: AtomicBool::new(false),
            jobs: Mutex::default(),
            ended: Condvar::new(),
            next: AtomicU64::new(0),
        });
        let taking = Arc::clone(&shared);
        std::thread::Builder::new().name("desk".into()).spawn(move || take(&listener, &taking))?;
        Ok(Desk { folder: folder.to_path_buf(), shared })
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Release);
        if let Ok((path, _open)) = within(&self.folder, SOCKET) {
            // Wakes the thread that takes commands.
            let _ = UnixStream::connect(&path);
            let _ = fs::remove_file(&path);
        }
        let jobs = self.shared.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.values().for_each(|stopped| stopped.store(true, Ordering::Release));
        // Whoever takes longer loses its connection with this process, and hears so.
        let _ = self.shared.ended.wait_timeout_while(jobs, LEAVE, |jobs| !jobs.is_empty());
    }
}

/// A socket that only this user may open. It is made out of reach and then put in its place.
fn listen(folder: &Path) -> io::Result<UnixListener> {
    let hidden = format!(".serve-{}", std::process::id());
    let (out_of_reach, _open) = within(folder, &hidden)?;
    let _ = fs::remove_dir_all(&out_of_reach);
    DirBuilder::new().mode(0o700).create(&out_of_reach)?;
    let (made, _open) = within(&folder.join(&hidden), SOCKET)?;
    let (place, _open) = within(folder, SOCKET)?;
    let listening = UnixListener::bind(&made).and_then(|listener| {
        fs::set_permissions(&made, Permissions::from_mode(0o600))?;
        fs::rename(&made, &place)?;
        Ok(listener)
    });
    let _ = fs::remove_dir_all(&out_of_reach);
    listening
}

fn take(listener: &UnixListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.closing.load(Ordering::Acquire) {
            return;
        }
        let stream = match stream {
            Ok(stream) => stream,
            Err(e) => {
                // Out of files: some command will end.
                tracing::warn!("a command could not be taken: {e}");
                std::thread::sleep(Duration::from_millis(100));
                continue;
            }
        };
        let own = Arc::clone(shared);
        let attending = std::thread::Builder::new().name("command".into()).spawn(move || {
            if let Err(e) = attend(&own, stream) {
                tracing::debug!("a command was not carried out: {e}");
            }
        });
        if let Err(e) = attending {
            tracing::warn!("a command could not be taken: {e}");
        }
    }
}

/// Carries out what one process asks for.
fn attend(shared: &Shared, stream: UnixStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    wire::send(&stream, &shared.hello, &[])?;
    let Some((request, files)) = wire::receive::<Request>(&stream)? else { return Ok(()) };
    stream.set_read_timeout(None)?;
    let Ok([out, err]) = <[OwnedFd; 2]>::try_from(files) else {
        return Err(io::Error::other("stdout and stderr did not come"));
    };
    let (stream, job) = (Arc::new(stream), Job::begin(shared));
    let replies = listen_to(&stream, &job.stopped)?;
    let errands = errands(&stream, replies);
    let stopped = Arc::clone(&job.stopped);
    let streams = Arc::new(Streams::of_another((File::from(out), File::from(err)), request.colours, errands, stopped)?);
    let words: Vec<OsString> = request.words.into_iter().map(Word::into_os).collect();
    let status = streams.during(|| {
        if job.is_one_too_many() {
            say!("error: {MOST} commands are being carried out on this folder; try again when some are done");
            return FAILED;
        }
        let carried = catch_unwind(AssertUnwindSafe(|| carry_out(&words, request.config, &shared.engine)));
        match carried {
            // Whatever it came to, not all of its input was read.
            Ok(_) if shared.closing.load(Ordering::Acquire) && job.stopped.load(Ordering::Acquire) => {
                say!("error: the service is ending. What was reported as stored is stored; run the command again");
                FAILED
            }
            Ok(status) => status,
            Err(_) => {
                say!("error: something went wrong inside; the log of the service says more");
                FAILED
            }
        }
    });
    // A pipe that nobody reads any more has no need of the rest.
    let _ = streams.flush();
    let told = wire::send(&stream, &Order::Exit(status), &[]);
    let _ = stream.shutdown(std::net::Shutdown::Both);
    told
}

/// A command under way.
struct Job<'a> {
    shared: &'a Shared,
    number: u64,
    stopped: Arc<AtomicBool>,
    before: usize,
}

impl<'a> Job<'a> {
    fn begin(shared: &'a Shared) -> Self {
        let (number, stopped) = (shared.next.fetch_add(1, Ordering::Relaxed), Arc::new(AtomicBool::new(false)));
        let mut jobs = shared.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let before = jobs.len();
        jobs.insert(number, Arc::clone(&stopped));
        Job { shared, number, stopped, before }
    }

    fn is_one_too_many(&self) -> bool {
        self.before >= MOST
    }
}

impl Drop for Job<'_> {
    fn drop(&mut self) {
        self.shared.jobs.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
        self.shared.ended.notify_all();
    }
}

/// What comes of an errand, and the file that it brought.
type Brought = (Reply, Vec<OwnedFd>);

/// Hears what the other process sends, and that it is gone: then the command is stopped.
fn listen_to(stream: &Arc<UnixStream>, stopped: &Arc<AtomicBool>) -> io::Result<Receiver<Brought>> {
    let (send, replies) = channel();
    let (stream, stopped) = (Arc::clone(stream), Arc::clone(stopped));
    std::thread::Builder::new().name("command's end".into()).spawn(move || {
        while let Ok(Some(reply)) = wire::receive::<Reply>(&stream) {
            if send.send(reply).is_err() {
                return;
            }
        }
        stopped.store(true, Ordering::Release);
    })?;
    Ok(replies)
}

/// Errands go to the process that asked, one at a time.
fn errands(stream: &Arc<UnixStream>, replies: Receiver<Brought>) -> RunErrand {
    let (stream, replies) = (Arc::clone(stream), Mutex::new(replies));
    Box::new(move |errand: &Errand| {
        let replies = replies.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = || io::Error::new(io::ErrorKind::ConnectionAborted, "the command was stopped");
        wire::send(&stream, &Order::of(errand), &[]).map_err(|_| gone())?;
        let (reply, files) = replies.recv().map_err(|_| gone())?;
        match reply {
            Reply::File => {
                let file = files.into_iter().next().ok_or_else(|| io::Error::other("no file came back"))?;
                Ok(Found::File(File::from(file)))
            }
            Reply::Entry(entry) => Ok(Found::Entry(entry)),
            Reply::Done => Ok(Found::Done),
            Reply::Failed(Some(number), _) => Err(io::Error::from_raw_os_error(number)),
            Reply::Failed(None, words) => Err(io::Error::other(words)),
        }
    })
}
