//! The checksum of every page of the database, in a file beside it.
//!
//! A page is what is read from the disk, so a checksum a page holds rows, indexes and what joins them: a row that vanishes is
//! noticed like a digit that flips. SQLite changes its file only where it folds the log in, which this program alone
//! sets off, under the lock of the writer. Before that what the pages will be is written down and synced, afterwards
//! that it was done; whatever happens between the two, each page is one of those it may be.
//!
//! The file: a header, the sums of all pages, then what changed since, each record with a checksum of its own.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::log::{Mark, Written, read_full, sum};

/// Beside the database.
pub const SUMS: &str = "papers.sums";

const MAGIC: &[u8; 16] = b"paperkin sums 1\n";
/// Pages read at a time.
const BATCH: usize = 256;
/// Bytes of changes from which on, and more than the sums themselves, the file is written anew.
const MUCH: u64 = 1 << 20;

/// Bytes of a record before its numbers.
const HEAD: usize = 32;

const ALL: u32 = 1;
const COMING: u32 = 2;
const DONE: u32 = 3;

/// What is known of the pages of a database.
pub struct Pages {
    path: PathBuf,
    file: Option<File>,
    page_size: usize,
    /// By page, from the first; 0 for one that was never written.
    sums: Vec<u32>,
    /// What pages may be as well: they were about to be written.
    coming: Vec<Written>,
    /// Up to where of the log they were about to be written, and up to where they are.
    coming_to: Mark,
    done_to: Mark,
    /// The number of the last commit that is in the pages.
    commits: u64,
    bytes: u64,
    /// Whether the file does not say what is known here.
    stale: bool,
    /// Whether its end could not be read.
    torn: bool,
}

/// How a log and the pages stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PagesCheck {
    /// It leads on from them.
    Fits,
    /// It is damaged before the place that they have come to: they are whole without it.
    LogBehind,
    /// It is damaged, and only some of what was being written from it was.
    HalfDone,
}

/// What was found of the file.
pub enum PagesState {
    /// It was read.
    Pages(Pages),
    /// There is none.
    Nothing,
    /// It cannot be trusted.
    Damaged,
}

impl Pages {
    /// Reads the file.
    pub fn read(folder: &Path) -> io::Result<PagesState> {
        let path = folder.join(SUMS);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(PagesState::Nothing),
            Err(e) => return Err(e),
        };
        if bytes.len() < 20 || &bytes[..16] != MAGIC {
            return Ok(PagesState::Damaged);
        }
        let mut pages = Pages {
            path,
            file: None,
            page_size: number(&bytes, 16) as usize,
            sums: Vec::new(),
            coming: Vec::new(),
            coming_to: Mark::default(),
            done_to: Mark::default(),
            commits: 0,
            bytes: bytes.len() as u64,
            stale: false,
            torn: false,
        };
        if !pages.page_size.is_power_of_two() || !(512..=65536).contains(&pages.page_size) {
            return Ok(PagesState::Damaged);
        }
        let (mut rest, mut first) = (&bytes[20..], true);
        while !rest.is_empty() {
            let Some((kind, commits, mark, numbers, length)) = record(rest) else {
                // What a crash leaves of the last record: what it was to say was not begun, or is one of what may be.
                (pages.stale, pages.torn) = (true, true);
                break;
            };
            match kind {
                ALL if first => (pages.sums, pages.commits, pages.done_to) = (numbers, commits, mark),
                COMING if !first => {
                    pages.coming.extend(pairs(&numbers));
                    pages.coming_to = mark;
                }
                DONE if !first => pages.take(&pairs(&numbers), commits, mark),
                _ => return Ok(PagesState::Damaged),
            }
            first = false;
            rest = &rest[length..];
        }
        Ok(if first { PagesState::Damaged } else { PagesState::Pages(pages) })
    }

    /// Takes the database as it is: nothing of it is in a log.
    pub fn make(folder: &Path, database: &Path, commits: u64) -> io::Result<Self> {
        let mut file = File::open(database)?;
        let page_size = page_size(&mut file)?;
        let mut pages = Pages {
            path: folder.join(SUMS),
            file: None,
            page_size,
            sums: Vec::new(),
            coming: Vec::new(),
            coming_to: Mark::default(),
            done_to: Mark::default(),
            commits,
            bytes: 0,
            stale: true,
            torn: false,
        };
        file.seek(SeekFrom::Start(0))?;
        let mut bytes = vec![0; BATCH * page_size];
        loop {
            let n = read_full(&mut file, &mut bytes)?;
            pages.sums.extend(bytes[..n].chunks_exact(page_size).map(sum));
            if n < bytes.len() {
                break;
            }
        }
        pages.rewrite()?;
        Ok(pages)
    }

    /// Looks whether a log that was read up to its last whole commit leads on from the pages. One that is damaged before the
    /// place up to which it was folded in would put older pages over newer ones; then it must not be used, and the
    /// pages are whole without it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn meets(&mut self, database: &Path, log: Mark) -> io::Result<PagesCheck> {
        let short_of = |to: Mark| to.frames > 0 && (log.salt != to.salt || log.frames < to.frames);
        if !self.coming.is_empty() && short_of(self.coming_to) {
            // What was being folded in cannot be gone on with: it was done as a whole, or was not begun.
            let last: HashMap<u32, u32> = self.coming.iter().copied().collect();
            let (mut new, mut old) = (true, true);
            let mut file = File::open(database)?;
            let mut bytes = vec![0; self.page_size];
            for (page, coming) in &last {
                file.seek(SeekFrom::Start(u64::from(page.saturating_sub(1)) * self.page_size as u64))?;
                let n = read_full(&mut file, &mut bytes)?;
                let is = if n == bytes.len() { sum(&bytes) } else { 0 };
                let before = self.sums.get((*page as usize).wrapping_sub(1)).copied().unwrap_or(0);
                new &= is == *coming;
                old &= before == 0 || is == before;
            }
            if new {
                let (list, commits, to) = (last.into_iter().collect::<Vec<_>>(), self.commits, self.coming_to);
                // The number of its last commit is not known here; the database itself has it.
                self.take(&list, commits, to);
                self.stale = true;
            } else if old {
                self.coming.clear();
                self.stale = true;
            } else {
                return Ok(PagesCheck::HalfDone);
            }
        }
        // One of another time, which began when all of the one before was done, leads on.
        let cut = log.salt == self.done_to.salt && log.frames < self.done_to.frames;
        Ok(if cut { PagesCheck::LogBehind } else { PagesCheck::Fits })
    }

    /// How many pages it knows.
    pub fn len(&self) -> usize {
        self.sums.len()
    }

    /// The number of the last commit that is in the pages.
    pub fn commits(&self) -> u64 {
        self.commits
    }

    /// Whether the file was not as it was written, so that a page that differs may be a fault of this file.
    pub fn is_doubtful(&self) -> bool {
        self.torn
    }

    /// The pages, of `n` from the one behind `from` on, that are not as they were written; those of `but` are not looked at.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn differing(&self, database: &Path, from: usize, n: usize, but: &HashSet<u32>) -> io::Result<Vec<u32>> {
        let mut file = File::open(database)?;
        let coming = self.coming.iter().fold(HashMap::<u32, Vec<u32>>::new(), |mut all, (page, sum)| {
            all.entry(*page).or_default().push(*sum);
            all
        });
        let mut differing = Vec::new();
        let end = self.sums.len().min(from.saturating_add(n));
        let mut bytes = vec![0; BATCH * self.page_size];
        file.seek(SeekFrom::Start((from * self.page_size) as u64))?;
        let mut at = from;
        while at < end {
            let wanted = (end - at).min(BATCH) * self.page_size;
            let got = read_full(&mut file, &mut bytes[..wanted])?;
            // What is not there differs from whatever it was.
            bytes[got..wanted].fill(0);
            for (k, page) in bytes[..wanted].chunks_exact(self.page_size).enumerate() {
                let (number, known) = ((at + k + 1) as u32, self.sums[at + k]);
                let is = sum(page);
                let may_be = || coming.get(&number).is_some_and(|sums| sums.contains(&is));
                if known != 0 && known != is && !may_be() && !but.contains(&number) {
                    differing.push(number);
                }
            }
            at += wanted / self.page_size;
        }
        Ok(differing)
    }

    /// Notes what is about to be written, so that it outlasts a loss of power.
    ///
    /// # Errors
    /// When it cannot be: then nothing may be folded in.
    pub fn announce(&mut self, written: &[Written], to: Mark) -> io::Result<()> {
        if self.stale || self.bytes > 2 * 4 * self.sums.len() as u64 + MUCH {
            self.rewrite()?;
        }
        let bytes = encode(COMING, self.commits, to, written.iter().flat_map(|(page, sum)| [*page, *sum]));
        self.coming.extend_from_slice(written);
        self.coming_to = to;
        self.append(&bytes, true)
    }

    /// Notes that it was written, and the number of the last commit of it.
    pub fn done(&mut self, written: &[Written], commits: u64, to: Mark) {
        let last: HashMap<u32, u32> = written.iter().copied().collect();
        let list: Vec<Written> = last.into_iter().collect();
        self.take(&list, commits, to);
        let bytes = encode(DONE, commits, to, list.iter().flat_map(|(page, sum)| [*page, *sum]));
        // Not synced: without it each page is still one of those it may be.
        if self.append(&bytes, false).is_err() {
            self.stale = true;
        }
    }

    fn take(&mut self, written: &[Written], commits: u64, to: Mark) {
        for (page, sum) in written {
            let k = (*page as usize).saturating_sub(1);
            if k >= self.sums.len() {
                self.sums.resize(k + 1, 0);
            }
            self.sums[k] = *sum;
        }
        self.coming.clear();
        (self.commits, self.done_to) = (commits, to);
    }

    fn append(&mut self, bytes: &[u8], synced: bool) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(OpenOptions::new().append(true).open(&self.path)?),
        };
        let mut write = || {
            file.write_all(bytes)?;
            if synced { file.sync_data() } else { Ok(()) }
        };
        let written = write();
        self.bytes += bytes.len() as u64;
        // Perhaps half of it stands there.
        self.stale |= written.is_err();
        written
    }

    /// Writes the whole file anew. What is coming goes along, where it was not done.
    fn rewrite(&mut self) -> io::Result<()> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&(self.page_size as u32).to_le_bytes());
        bytes.extend(encode(ALL, self.commits, self.done_to, self.sums.iter().copied()));
        if !self.coming.is_empty() {
            bytes.extend(encode(
                COMING,
                self.commits,
                self.coming_to,
                self.coming.iter().flat_map(|(page, sum)| [*page, *sum]),
            ));
        }
        let aside = self.path.with_extension("sums-new");
        let write = || {
            let mut file = File::create(&aside)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&aside, &self.path)?;
            match self.path.parent() {
                // Only Unix lets a folder be opened and synced.
                Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
                _ => Ok(()),
            }
        };
        write().inspect_err(|_| drop(fs::remove_file(&aside)))?;
        (self.file, self.bytes, self.stale) = (None, bytes.len() as u64, false);
        Ok(())
    }
}

/// The bytes of a page of a database, as its header says.
fn page_size(file: &mut File) -> io::Result<usize> {
    let mut header = [0; 18];
    file.seek(SeekFrom::Start(0))?;
    file.read_exact(&mut header)?;
    Ok(match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65536,
        n if n.is_power_of_two() && n >= 512 => usize::from(n),
        _ => 4096,
    })
}

fn encode(kind: u32, commits: u64, mark: Mark, numbers: impl Iterator<Item = u32>) -> Vec<u8> {
    let payload: Vec<u8> = numbers.flat_map(u32::to_le_bytes).collect();
    let mut bytes = kind.to_le_bytes().to_vec();
    bytes.extend(((payload.len() / 4) as u32).to_le_bytes());
    bytes.extend(commits.to_le_bytes());
    bytes.extend(mark.salt);
    bytes.extend(mark.frames.to_le_bytes());
    bytes.extend(payload);
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

/// The record at the beginning of some bytes: its kind, the number of a commit, a place in the log, its numbers, its length.
fn record(bytes: &[u8]) -> Option<(u32, u64, Mark, Vec<u32>, usize)> {
    let head = bytes.get(..HEAD)?;
    let count = number(head, 4) as usize;
    let body = bytes.get(..HEAD + 4 * count)?;
    let sum = bytes.get(body.len()..body.len() + 4)?;
    if number(sum, 0) != crc32fast::hash(body) {
        return None;
    }
    let long = |at: usize| u64::from(number(head, at)) | u64::from(number(head, at + 4)) << 32;
    let mark = Mark { salt: long(16).to_le_bytes(), frames: long(24) };
    let numbers = (0..count).map(|k| number(body, HEAD + 4 * k)).collect();
    Some((number(head, 0), long(8), mark, numbers, body.len() + 4))
}

fn pairs(numbers: &[u32]) -> Vec<Written> {
    numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
