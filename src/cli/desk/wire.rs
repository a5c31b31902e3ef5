//! Messages over a Unix socket: a length, JSON, and file descriptors.

use std::ffi::OsString;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::cli::streams::{CreateMode, Entry, FileOperation};
use crate::config::Config;

/// The longest message, in bytes: a command line is shorter.
const LONGEST: usize = 16 << 20;

/// The most descriptors in a message.
const FILES: usize = 2;

/// What the service says first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hello {
    /// Its version: messages of other versions may differ.
    pub version: String,
    /// Its process id.
    pub process: u32,
    /// Its HTTP address.
    pub url: String,
}

/// The command to run. Its descriptors are stdout and stderr.
#[derive(Serialize, Deserialize)]
pub struct Request {
    pub words: Vec<Word>,
    /// The settings of the calling process.
    pub config: Config,
    pub colours: (bool, bool),
}

/// An argument or a path: bytes that need not be UTF-8.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Word(Vec<u8>);

impl Word {
    pub fn of(text: &std::ffi::OsStr) -> Self {
        Word(text.as_bytes().to_vec())
    }

    pub fn into_os(self) -> OsString {
        OsString::from_vec(self.0)
    }
}

/// What the service requests while the command runs, and at its end.
#[derive(Debug, Serialize, Deserialize)]
pub enum Order {
    Open(Word),
    CreateNew(Word),
    CreatePrivate(Word),
    Replace(Word),
    Look(Word),
    MakeFolder(Word),
    Rename(Word, Word),
    Remove(Word),
    /// The command is done, with this exit status.
    Exit(u8),
}

impl Order {
    pub fn of(operation: &FileOperation) -> Self {
        let word = |path: &Path| Word::of(path.as_os_str());
        match operation {
            FileOperation::Open(path) => Order::Open(word(path)),
            FileOperation::Create(path, CreateMode::New) => Order::CreateNew(word(path)),
            FileOperation::Create(path, CreateMode::Private) => Order::CreatePrivate(word(path)),
            FileOperation::Create(path, CreateMode::Replace) => Order::Replace(word(path)),
            FileOperation::Look(path) => Order::Look(word(path)),
            FileOperation::MakeFolder(path) => Order::MakeFolder(word(path)),
            FileOperation::Rename(from, to) => Order::Rename(word(from), word(to)),
            FileOperation::Remove(path) => Order::Remove(word(path)),
        }
    }

    /// The file operation, or the exit status.
    pub fn into_operation(self) -> Result<FileOperation, u8> {
        let path = |word: Word| PathBuf::from(word.into_os());
        Ok(match self {
            Order::Open(word) => FileOperation::Open(path(word)),
            Order::CreateNew(word) => FileOperation::Create(path(word), CreateMode::New),
            Order::CreatePrivate(word) => FileOperation::Create(path(word), CreateMode::Private),
            Order::Replace(word) => FileOperation::Create(path(word), CreateMode::Replace),
            Order::Look(word) => FileOperation::Look(path(word)),
            Order::MakeFolder(word) => FileOperation::MakeFolder(path(word)),
            Order::Rename(from, to) => FileOperation::Rename(path(from), path(to)),
            Order::Remove(word) => FileOperation::Remove(path(word)),
            Order::Exit(status) => return Err(status),
        })
    }
}

/// The result of a file operation. A file is passed as a descriptor.
#[derive(Debug, Serialize, Deserialize)]
pub enum Reply {
    File,
    Entry(Entry),
    Done,
    /// The system's error number, if there is one, and its message.
    Failed(Option<i32>, String),
}

/// Sends a message.
pub fn send(mut stream: &UnixStream, message: &impl Serialize, files: &[BorrowedFd<'_>]) -> io::Result<()> {
    let body = serde_json::to_vec(message)?;
    let mut bytes = u32::try_from(body.len()).map_err(io::Error::other)?.to_be_bytes().to_vec();
    bytes.extend(body);
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    if !files.is_empty() && !beside.push(SendAncillaryMessage::ScmRights(files)) {
        return Err(io::Error::other("too many files for one message"));
    }
    let sent = loop {
        match sendmsg(stream, &[IoSlice::new(&bytes)], &mut beside, SendFlags::empty()) {
            Err(rustix::io::Errno::INTR) => {}
            sent => break sent?,
        }
    };
    stream.write_all(&bytes[sent..])
}

/// The next message with its descriptors; `None` at the end.
pub fn receive<T: DeserializeOwned>(mut stream: &UnixStream) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let mut head = [0; 4];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES))];
    let mut beside = RecvAncillaryBuffer::new(&mut space);
    let got = loop {
        match recvmsg(stream, &mut [IoSliceMut::new(&mut head)], &mut beside, flags()) {
            Err(rustix::io::Errno::INTR) => {}
            got => break got?.bytes,
        }
    };
    if got == 0 {
        return Ok(None);
    }
    let mut files = Vec::new();
    for message in beside.drain() {
        if let RecvAncillaryMessage::ScmRights(handed) = message {
            files.extend(handed);
        }
    }
    stream.read_exact(&mut head[got..])?;
    let length = u32::from_be_bytes(head) as usize;
    if length > LONGEST {
        return Err(io::Error::other("a message that is too long"));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Some((serde_json::from_slice(&body)?, files)))
}

/// Received descriptors are not inherited by child processes.
#[cfg(target_os = "linux")]
fn flags() -> RecvFlags {
    RecvFlags::CMSG_CLOEXEC
}

#[cfg(not(target_os = "linux"))]
fn flags() -> RecvFlags {
    RecvFlags::empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::AsFd;

    #[test]
    fn messages_arrive_with_their_files_in_their_order() {
        let (here, there) = UnixStream::pair().expect("a pair");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x");
        std::fs::write(&path, "held").expect("written");
        let sender = std::thread::spawn(move || {
            for k in 0..50u8 {
                let file = File::open(&path).expect("opens");
                let files = [file.as_fd(), file.as_fd()];
                let long = Word(vec![k; usize::from(k) * 10_000]);
                send(&here, &Order::Open(long), &files[..usize::from(k) % 3]).expect("sent");
            }
        });
        for k in 0..50u8 {
            let (order, files) = receive::<Order>(&there).expect("received").expect("a message");
            assert_eq!(
                order.into_operation(),
                Ok(FileOperation::Open(OsString::from_vec(vec![k; usize::from(k) * 10_000]).into()))
            );
            assert_eq!(files.len(), usize::from(k) % 3);
            for file in files {
                let mut text = String::new();
                let _ = File::from(file).read_to_string(&mut text);
                assert!(text == "held" || text.is_empty(), "one file twice has one place to read from");
            }
        }
        sender.join().expect("sent");
        assert!(receive::<Order>(&there).expect("the end").is_none());
    }
}
