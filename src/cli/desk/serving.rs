//! The server side: runs the commands that processes send.

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
use crate::cancel::Cancel;
use crate::cli::report::FAILED;
use crate::cli::streams::{FileOperation, OperationResult, RunOperation, Streams};
use crate::cli::{carry_out, say};
use crate::config::Config;
use crate::engine::Engine;

/// The most commands at a time.
const MOST: usize = 64;

/// How long a connecting process may take to send its command.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the service waits for commands to end when it stops.
const LEAVE: Duration = Duration::from_secs(3);

/// Accepts commands on the folder until it is dropped.
pub struct Desk {
    folder: PathBuf,
    shared: Arc<Shared>,
}

struct Shared {
    engine: Arc<Engine>,
    hello: Hello,
    closing: AtomicBool,
    // The running commands, each with the flag that stops it.
    jobs: Mutex<HashMap<u64, Arc<AtomicBool>>>,
    ended: Condvar,
    next: AtomicU64,
}

impl Desk {
    /// Accepts commands on a folder that this process has open, in the background. Replaces a socket that an earlier
    /// process left behind.
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
            // Wakes the accepting thread.
            let _ = UnixStream::connect(&path);
            let _ = fs::remove_file(&path);
        }
        let jobs = self.shared.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.values().for_each(|stopped| stopped.store(true, Ordering::Release));
        // A command that takes longer loses its connection with this process and gets an error.
        let _ = self.shared.ended.wait_timeout_while(jobs, LEAVE, |jobs| !jobs.is_empty());
    }
}

/// Creates a socket that only this user may open: first in a private folder, then moved into place.
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
                // Out of descriptors: wait for a command to end.
                tracing::warn!("cannot accept a command: {e}");
                std::thread::sleep(Duration::from_millis(100));
                continue;
            }
        };
        let own = Arc::clone(shared);
        let attending = std::thread::Builder::new().name("command".into()).spawn(move || {
            if let Err(e) = attend(&own, stream) {
                tracing::debug!("a command was not run: {e}");
            }
        });
        if let Err(e) = attending {
            tracing::warn!("cannot accept a command: {e}");
        }
    }
}

/// Runs the command of one process.
fn attend(shared: &Shared, stream: UnixStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    wire::send(&stream, &shared.hello, &[])?;
    let Some((request, files)) = wire::receive::<Request>(&stream)? else { return Ok(()) };
    stream.set_read_timeout(None)?;
    let Ok([out, err]) = <[OwnedFd; 2]>::try_from(files) else {
        return Err(io::Error::other("stdout and stderr are missing"));
    };
    let (stream, job, cancel) = (Arc::new(stream), Job::begin(shared), Cancel::new());
    let replies = listen_to(&stream, &job.stopped, &cancel)?;
    let operations = remote_operations(&stream, replies);
    let stopped = Arc::clone(&job.stopped);
    let streams =
        Arc::new(Streams::of_another((File::from(out), File::from(err)), request.colours, operations, stopped)?);
    let words: Vec<OsString> = request.words.into_iter().map(Word::into_os).collect();
    let status = streams.during(|| {
        if job.is_one_too_many() {
            say!("error: {MOST} commands are running on this folder already; try again when some are done");
            return FAILED;
        }
        // What is printed leads to this service, whatever the other process takes its address for.
        let own = Some(shared.hello.url.clone()).filter(|url| url.contains("://"));
        let public_url = shared.engine.config().public_url.clone().or(own);
        let config = Config { public_url, ..request.config };
        let work = || cancel.scope(|| carry_out(&words, config, &shared.engine));
        let carried = catch_unwind(AssertUnwindSafe(work));
        match carried {
            // Whatever its status, it may not have read all of its input.
            Ok(_) if shared.closing.load(Ordering::Acquire) && job.stopped.load(Ordering::Acquire) => {
                say!("error: the service is ending. What was reported as stored is stored; run the command again");
                FAILED
            }
            Ok(status) => status,
            Err(_) => {
                say!("error: internal error; the log of the service says more");
                FAILED
            }
        }
    });
    // Fails only when the pipe is closed, and then nobody needs the rest.
    let _ = streams.flush();
    let sent = wire::send(&stream, &Order::Exit(status), &[]);
    let _ = stream.shutdown(std::net::Shutdown::Both);
    sent
}

/// A running command.
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

/// The result of a file operation, with its descriptors.
type OperationReply = (Reply, Vec<OwnedFd>);

/// Receives what the other process sends, and stops the command when that process is gone.
fn listen_to(
    stream: &Arc<UnixStream>,
    stopped: &Arc<AtomicBool>,
    cancel: &Cancel,
) -> io::Result<Receiver<OperationReply>> {
    let (send, replies) = channel();
    let (stream, stopped, cancel) = (Arc::clone(stream), Arc::clone(stopped), cancel.clone());
    std::thread::Builder::new().name("command's end".into()).spawn(move || {
        while let Ok(Some(reply)) = wire::receive::<Reply>(&stream) {
            if send.send(reply).is_err() {
                return;
            }
        }
        stopped.store(true, Ordering::Release);
        // What reads and prints nothing hears of it as well.
        cancel.cancel();
    })?;
    Ok(replies)
}

/// Sends file operations to the calling process, one at a time.
fn remote_operations(stream: &Arc<UnixStream>, replies: Receiver<OperationReply>) -> RunOperation {
    let (stream, replies) = (Arc::clone(stream), Mutex::new(replies));
    Box::new(move |operation: &FileOperation| {
        let replies = replies.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = || io::Error::new(io::ErrorKind::ConnectionAborted, "the command was stopped");
        wire::send(&stream, &Order::of(operation), &[]).map_err(|_| gone())?;
        let (reply, files) = replies.recv().map_err(|_| gone())?;
        match reply {
            Reply::File => {
                let file = files.into_iter().next().ok_or_else(|| io::Error::other("no file came back"))?;
                Ok(OperationResult::File(File::from(file)))
            }
            Reply::Entry(entry) => Ok(OperationResult::Entry(entry)),
            Reply::Done => Ok(OperationResult::Done),
            Reply::Failed(Some(number), _) => Err(io::Error::from_raw_os_error(number)),
            Reply::Failed(None, words) => Err(io::Error::other(words)),
        }
    })
}
