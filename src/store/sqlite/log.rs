//! SQLite's log as a file: which pages its commits wrote, and the checksum of each (the file format of SQLite, section 4).
//!
//! SQLite cuts a damaged log off at the first frame that is not whole, without a word. Read here, it says so; and what is read
//! here says what the pages of the database will be once the log is folded in ([`pages`](super::pages)).

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::place::Identity;

const HEADER: usize = 32;
const FRAME: usize = 24;
/// Frames read at a time.
const BATCH: usize = 64;

/// A page as a commit wrote it: its number, and the checksum of its bytes.
pub type Written = (u32, u32);

/// A place in a log: which of the logs that stood there one after the other (SQLite's salts), and frames from its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mark {
    pub salt: [u8; 8],
    pub frames: u64,
}

/// The checksum of a page; never 0.
pub fn sum(page: &[u8]) -> u32 {
    crc32fast::hash(page).max(1)
}

/// The log, read up to the last commit in it that was looked for.
pub struct Log {
    path: PathBuf,
    file: Option<File>,
    header: [u8; HEADER],
    /// SQLite's running checksum behind the last commit.
    running: (u32, u32),
    written: Vec<Written>,
    // Kept from one commit to the next.
    room: Vec<u8>,
}

impl Log {
    /// The log at this place, where one is; nothing of it is read yet.
    pub fn new(path: PathBuf) -> Self {
        Log { path, file: None, header: [0; HEADER], running: (0, 0), written: Vec::new(), room: Vec::new() }
    }

    /// What the commits in it wrote, in their order.
    pub fn written(&self) -> &[Written] {
        &self.written
    }

    /// The pages that it holds.
    pub fn pages(&self) -> HashSet<u32> {
        self.written.iter().map(|(page, _)| *page).collect()
    }

    /// How far it was read.
    pub fn mark(&self) -> Mark {
        let mut salt = [0; 8];
        salt.copy_from_slice(&self.header[16..24]);
        Mark { salt, frames: self.written.len() as u64 }
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins anew where SQLite has put another file in the place of the one that is read, as it may while it opens.
    pub fn settle(&mut self) {
        let known = self.file.as_ref().and_then(|file| file.metadata().ok()).map(|m| Identity::of(&m));
        let now = std::fs::metadata(&self.path).ok().map(|m| Identity::of(&m));
        if known != now {
            *self = Log::new(std::mem::take(&mut self.path));
        }
    }

    /// Reads what was committed since. Nobody may be writing meanwhile.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read_on(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => match File::open(&self.path) {
                Ok(file) => self.file.insert(file),
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(e) => return Err(e),
            },
        };
        let mut header = [0; HEADER];
        file.seek(SeekFrom::Start(0))?;
        if read_full(file, &mut header)? < HEADER {
            (self.header, self.running) = ([0; HEADER], (0, 0));
            self.written.clear();
            return Ok(());
        }
        if header != self.header {
            // It began anew, as it does once all of it is folded in.
            self.header = header;
            self.written.clear();
            self.running = checksum(be(&header, 0) & 1 == 1, (0, 0), &header[..24]);
            if self.running != (be(&header, 24), be(&header, 28)) {
                self.header = [0; HEADER];
                return Ok(());
            }
        }
        let length = FRAME + page_size(&self.header);
        let bytes = &mut self.room;
        bytes.resize(BATCH * length, 0);
        let (mut running, mut open) = (self.running, Vec::new());
        file.seek(SeekFrom::Start((HEADER + self.written.len() * length) as u64))?;
        let big = be(&header, 0) & 1 == 1;
        loop {
            let n = read_full(file, bytes)?;
            for frame in bytes[..n].chunks_exact(length) {
                if frame[8..16] != header[16..24] {
                    return Ok(());
                }
                running = checksum(big, checksum(big, running, &frame[..8]), &frame[FRAME..]);
                if running != (be(frame, 16), be(frame, 20)) {
                    return Ok(());
                }
                open.push((be(frame, 0), sum(&frame[FRAME..])));
                if be(frame, 4) != 0 {
                    self.written.append(&mut open);
                    self.running = running;
                }
            }
            if n < bytes.len() {
                return Ok(());
            }
        }
    }

    /// Commits behind the last whole one that carry the mark of this log: damage has cut them off. One may be what a crash
    /// left of a commit that nobody was told of.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn cut_off(&mut self) -> io::Result<usize> {
        let (header, length, from) = (self.header, FRAME + page_size(&self.header), self.written.len());
        let Some(file) = &mut self.file else { return Ok(0) };
        let frames = (file.metadata()?.len() as usize).saturating_sub(HEADER) / length;
        let mut commits = 0;
        let mut head = [0; FRAME];
        for k in from..frames {
            file.seek(SeekFrom::Start((HEADER + k * length) as u64))?;
            file.read_exact(&mut head)?;
            commits += usize::from(header != [0; HEADER] && head[8..16] == header[16..24] && be(&head, 4) != 0);
        }
        Ok(commits)
    }
}

fn page_size(header: &[u8]) -> usize {
    match be(header, 8) as usize {
        n if (512..=65536).contains(&n) && n.is_power_of_two() => n,
        _ => 4096,
    }
}

/// Reads until the buffer is full or the file ends; gives how much came.
pub fn read_full(file: &mut File, bytes: &mut [u8]) -> io::Result<usize> {
    let mut n = 0;
    while n < bytes.len() {
        match file.read(&mut bytes[n..]) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(n)
}

fn be(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// SQLite's checksum of a log, gone on with.
fn checksum(big: bool, (mut a, mut b): (u32, u32), bytes: &[u8]) -> (u32, u32) {
    let word = |w: &[u8]| {
        let w = [w[0], w[1], w[2], w[3]];
        if big { u32::from_be_bytes(w) } else { u32::from_le_bytes(w) }
    };
    for pair in bytes.chunks_exact(8) {
        a = a.wrapping_add(word(&pair[..4])).wrapping_add(b);
        b = b.wrapping_add(word(&pair[4..])).wrapping_add(a);
    }
    (a, b)
}
