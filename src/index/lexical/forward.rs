//! How often each paper holds each of its terms: blocks of rows in flat arrays, in memory while new, in mapped files once
//! written.
//!
//! A block file is: eight numbers (magic, format, first row, rows, entries, first new term, new terms, their bytes), the
//! place where each row's entries end, each row's length in words, the terms of all entries, their counts, and the terms
//! that came into the dictionary with this block. All numbers are little-endian `u32`, counts are `u8`.

use std::fs::File;
use std::ops::Range;
use std::path::Path;

use memmap2::Mmap;

use super::dictionary::Dictionary;
use crate::error::{Error, Result};

const MAGIC: u32 = u32::from_le_bytes(*b"pkwd");
const FORMAT: u32 = 1;
const HEADER: usize = 32;
/// The length of a row that is not in the block.
const ABSENT: u32 = u32::MAX;

/// The terms of a paper with their counts (a word of the title counts more than once; at most 255).
#[derive(Clone, Copy, Default)]
pub struct TermCounts<'a> {
    terms: &'a [u8],
    counts: &'a [u8],
}

impl<'a> TermCounts<'a> {
    /// Each term with its count, by rising number of the term.
    pub fn iter(self) -> impl Iterator<Item = (u32, u8)> + 'a {
        self.terms
            .chunks_exact(4)
            .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .zip(self.counts.iter().copied())
    }
}

/// Rows that came since the last block was written.
#[derive(Default)]
pub struct MemoryBlock {
    base: u32,
    ends: Vec<u32>,
    lengths: Vec<u32>,
    terms: Vec<u8>,
    counts: Vec<u8>,
    present: usize,
}

impl MemoryBlock {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.present
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.present == 0
    }

    /// Adds a row: its length in words, and its terms by rising number. Gives `false` when the row does not come behind
    /// those that are there.
    pub fn push(&mut self, row: u32, length: u32, entries: impl IntoIterator<Item = (u32, u8)>) -> bool {
        if self.ends.is_empty() {
            self.base = row;
        }
        let next = self.base as usize + self.ends.len();
        if (row as usize) < next {
            return false;
        }
        let end = self.ends.last().copied().unwrap_or(0);
        for _ in next..row as usize {
            self.ends.push(end);
            self.lengths.push(ABSENT);
        }
        for (term, count) in entries {
            self.terms.extend_from_slice(&term.to_le_bytes());
            self.counts.push(count);
        }
        self.ends.push(self.counts.len() as u32);
        self.lengths.push(length);
        self.present += 1;
        true
    }

    /// The entries and the length of a row.
    pub fn get(&self, row: u32) -> Option<(TermCounts<'_>, u32)> {
        let k = row.checked_sub(self.base)? as usize;
        let length = *self.lengths.get(k).filter(|l| **l != ABSENT)?;
        let begin = if k == 0 { 0 } else { *self.ends.get(k - 1)? as usize };
        let end = *self.ends.get(k)? as usize;
        Some((TermCounts { terms: self.terms.get(4 * begin..4 * end)?, counts: self.counts.get(begin..end)? }, length))
    }

    pub fn rows(&self) -> Range<u32> {
        self.base..self.base + self.ends.len() as u32
    }

    /// The file of these rows, with the terms of these numbers.
    pub fn encode(&self, dictionary: &Dictionary, new: Range<u32>) -> Vec<u8> {
        let mut words = Vec::new();
        for id in new.clone() {
            for text in [dictionary.term(id), dictionary.surface(id)] {
                let text = text.unwrap_or_default();
                let text = &text[..text.floor_char_boundary(255)];
                words.push(text.len() as u8);
                words.extend_from_slice(text.as_bytes());
            }
        }
        let (rows, entries) = (self.ends.len() as u32, self.counts.len() as u32);
        let header = [MAGIC, FORMAT, self.base, rows, entries, new.start, new.end - new.start, words.len() as u32];
        let numbers = header.iter().chain(&self.ends).chain(&self.lengths);
        let mut bytes: Vec<u8> = numbers.flat_map(|n| n.to_le_bytes()).collect();
        bytes.extend_from_slice(&self.terms);
        bytes.extend_from_slice(&self.counts);
        bytes.extend_from_slice(&words);
        bytes
    }
}

/// A block that was written.
pub struct FileBlock {
    bytes: Mmap,
    base: u32,
    rows: u32,
    entries: usize,
    /// The numbers of the terms that came with it.
    pub new: Range<u32>,
}

impl FileBlock {
    /// Maps a block file.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|e| Error::io(path, "cannot open", e))?;
        // SAFETY: a block file is written under a new name, synced, and never written to again, and the data folder's lock
        // keeps other processes of ours away; so the mapped bytes do not change under the slices taken from them.
        let bytes = unsafe { Mmap::map(&file) }.map_err(|e| Error::io(path, "cannot map", e))?;
        let broken = || Error::Data(format!("{}: not a file of words, or cut short", path.display()));
        let at = |k: usize| number(&bytes, k).ok_or_else(broken);
        if at(0)? != MAGIC || at(1)? != FORMAT {
            return Err(broken());
        }
        let (base, rows, entries, first, count, words) = (at(2)?, at(3)?, at(4)? as usize, at(5)?, at(6)?, at(7)?);
        if bytes.len() != HEADER + 8 * rows as usize + 5 * entries + words as usize {
            return Err(broken());
        }
        let new = first..first.checked_add(count).ok_or_else(broken)?;
        Ok(FileBlock { base, rows, entries, new, bytes })
    }

    pub fn rows(&self) -> Range<u32> {
        self.base..self.base + self.rows
    }

    /// Bytes of the file.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The entries and the length of a row.
    pub fn get(&self, row: u32) -> Option<(TermCounts<'_>, u32)> {
        let k = row.checked_sub(self.base).filter(|k| *k < self.rows)? as usize;
        let ends = HEADER / 4;
        let length = number(&self.bytes, ends + self.rows as usize + k).filter(|l| *l != ABSENT)?;
        let begin = if k == 0 { 0 } else { number(&self.bytes, ends + k - 1)? as usize };
        let end = number(&self.bytes, ends + k)? as usize;
        let terms = HEADER + 8 * self.rows as usize;
        let counts = terms + 4 * self.entries;
        let entries = TermCounts {
            terms: self.bytes.get(terms + 4 * begin..terms + 4 * end)?,
            counts: self.bytes.get(counts + begin..counts + end)?,
        };
        Some((entries, length))
    }

    /// The terms that came with it, each with the form that a person reads.
    pub fn words(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut rest = self.bytes.get(HEADER + 8 * self.rows as usize + 5 * self.entries..).unwrap_or_default();
        let mut next = move || {
            let (length, text) = rest.split_first()?;
            let (text, after) = text.split_at_checked(*length as usize)?;
            rest = after;
            Some(std::str::from_utf8(text).unwrap_or_default())
        };
        (0..self.new.len()).map_while(move |_| Some((next()?, next()?)))
    }
}

fn number(bytes: &[u8], k: usize) -> Option<u32> {
    let b = bytes.get(4 * k..4 * k + 4)?;
    Some(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// What was pushed is read back, while growing and from the file.
        #[test]
        fn rows_survive_the_file(rows in prop::collection::btree_map(5u32..60, (0u32..9, prop::collection::btree_map(0u32..50, 1u8.., 0..12)), 1..20)) {
            let mut dictionary = Dictionary::default();
            for k in 0..50 {
                dictionary.intern(&format!("t{k}"), &format!("T{k}"));
            }
            let mut growing = MemoryBlock::default();
            for (row, (length, entries)) in &rows {
                prop_assert!(growing.push(*row, *length, entries.iter().map(|(t, c)| (*t, *c))));
            }
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("x");
            std::fs::write(&path, growing.encode(&dictionary, 10..50)).expect("written");
            let block = FileBlock::open(&path).expect("opens");
            prop_assert_eq!(block.rows(), growing.rows());
            for row in 0..70 {
                let expected = rows.get(&row).map(|(l, e)| (e.iter().map(|(t, c)| (*t, *c)).collect::<Vec<_>>(), *l));
                prop_assert_eq!(growing.get(row).map(|(e, l)| (e.iter().collect::<Vec<_>>(), l)), expected.clone());
                prop_assert_eq!(block.get(row).map(|(e, l)| (e.iter().collect::<Vec<_>>(), l)), expected);
            }
            let words: Vec<(String, String)> = block.words().map(|(a, b)| (a.into(), b.into())).collect();
            prop_assert_eq!(words.len(), 40);
            prop_assert_eq!(&words[3], &("t13".to_string(), "T13".to_string()));
            let whole = std::fs::read(&path).expect("there");
            std::fs::write(&path, &whole[..whole.len() - 1]).expect("written");
            prop_assert!(FileBlock::open(&path).is_err());
        }
    }
}
