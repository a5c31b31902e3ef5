//! What is in memory of the words: the dictionary, who holds what, and the statistics that scores are made of.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::OnceLock;

use roaring::RoaringBitmap;
use tantivy::query::Bm25StatisticsProvider;
use tantivy::schema::Field;
use tantivy::{Searcher, Term};

use super::dictionary::Dictionary;
use super::forward::{FileBlock, MemoryBlock, TermCounts};
use super::inverted::Fields;
use super::vector::TermVector;
use crate::paper::Row;

/// A block joins those before it while they are less than so many times as large: few blocks, and each row is written
/// only some times.
const JOIN: usize = 2;

/// Terms of fewer papers tie no two together.
const MIN_PAPERS: u32 = 2;

/// The terms of a paper with how often it holds each and what a person reads for it.
pub type Counts = HashMap<String, (u32, String)>;

/// The words of all papers.
#[derive(Default)]
pub struct LiveTerms {
    pub dictionary: Dictionary,
    /// Rows that can be found.
    pub live: RoaringBitmap,
    blocks: Vec<FileBlock>,
    growing: MemoryBlock,
    /// By term: how many live papers hold it, and whether it counts in likeness.
    papers: Vec<u32>,
    telling: Vec<bool>,
    /// Words of all live papers together.
    length: u64,
    /// Made when first needed, thrown away when papers come or go.
    idf: OnceLock<Vec<f32>>,
}

/// What the next block file holds.
pub struct NextBlock {
    /// Blocks that stay before it.
    pub keep: usize,
    pub rows: MemoryBlock,
    /// The terms that no block before it holds.
    pub new: Range<u32>,
}

thread_local! {
    /// The weights of one query by term; all zero between two calls.
    static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

impl LiveTerms {
    /// Takes over a block that was read.
    pub fn append(&mut self, block: FileBlock) -> Result<(), String> {
        if block.new.start as usize != self.dictionary.len() {
            return Err("its files of words do not follow one another".into());
        }
        for (term, surface) in block.words() {
            self.intern(term, surface);
        }
        if self.dictionary.len() != block.new.end as usize {
            return Err("a file of words lists one twice".into());
        }
        for row in block.rows() {
            let Some((entries, _)) = block.get(row) else { continue };
            if entries.iter().any(|(term, _)| term as usize >= self.papers.len()) {
                return Err(format!("the row {row} names a word that is not there"));
            }
            // A paper whose keywords changed stands in an older block as well; the newer one counts.
            self.uncount(row);
            if let Some((entries, length)) = block.get(row) {
                self.live.insert(row);
                self.length += u64::from(length);
                entries.iter().for_each(|(term, _)| self.papers[term as usize] += 1);
            }
        }
        self.blocks.push(block);
        Ok(())
    }

    fn intern(&mut self, term: &str, surface: &str) -> u32 {
        let id = self.dictionary.intern(term, surface);
        if id as usize == self.papers.len() {
            self.papers.push(0);
            self.telling.push(term.chars().any(char::is_alphabetic) && (term.len() > 1));
        }
        id
    }

    /// Adds rows: each with its length in words and its terms.
    pub fn extend(&mut self, rows: Vec<(u32, (u32, Counts))>) {
        self.idf = OnceLock::new();
        for (row, (length, counts)) in rows {
            // Sorted, so that the same papers in the same order give the same numbers.
            let mut terms: Vec<(String, (u32, String))> = counts.into_iter().collect();
            terms.sort();
            let mut entries: Vec<(u32, u8)> = terms
                .iter()
                .map(|(term, (count, surface))| (self.intern(term, surface), u8::try_from(*count).unwrap_or(u8::MAX)))
                .collect();
            entries.sort_unstable();
            let same = |(old, n): (TermCounts<'_>, u32)| n == length && old.iter().eq(entries.iter().copied());
            if self.live.contains(row) && self.get(row).is_some_and(same) {
                continue;
            }
            self.uncount(row);
            self.live.insert(row);
            self.length += u64::from(length);
            entries.iter().for_each(|(term, _)| self.papers[*term as usize] += 1);
            if !self.growing.push(row, length, entries.iter().copied()) {
                self.insert_between(row, length, &entries);
            }
        }
    }

    /// Takes a row out of the statistics, if it is in them.
    fn uncount(&mut self, row: u32) {
        if !self.live.remove(row) {
            return;
        }
        let Some((entries, length)) = self.get(row) else { return };
        let terms: Vec<u32> = entries.iter().map(|(t, _)| t).collect();
        self.length = self.length.saturating_sub(u64::from(length));
        for term in terms {
            if let Some(n) = self.papers.get_mut(term as usize) {
                *n = n.saturating_sub(1);
            }
        }
        self.idf = OnceLock::new();
    }

    /// A row that comes before others that are there, or in the place of one: a paper whose keywords changed.
    fn insert_between(&mut self, row: u32, length: u32, entries: &[(u32, u8)]) {
        let old = std::mem::take(&mut self.growing);
        let mut later = Some((row, length, entries));
        for k in old.rows() {
            if let Some((row, length, entries)) = later.take_if(|(row, ..)| *row <= k) {
                self.growing.push(row, length, entries.iter().copied());
            }
            if let Some((entries, length)) = old.get(k) {
                self.growing.push(k, length, entries.iter());
            }
        }
    }

    /// Takes rows away; gives those that were there.
    pub fn remove(&mut self, rows: &[Row]) -> Vec<Row> {
        let gone: Vec<Row> = rows.iter().copied().filter(|row| self.live.contains(row.0)).collect();
        gone.iter().for_each(|row| self.uncount(row.0));
        gone
    }

    /// The entries of a row and its length in words.
    pub fn get(&self, row: u32) -> Option<(TermCounts<'_>, u32)> {
        self.growing.get(row).or_else(|| self.blocks.iter().rev().find_map(|b| b.get(row)))
    }

    /// Rows that no file holds yet.
    pub fn waiting(&self) -> usize {
        self.growing.len()
    }

    /// What is to be written: the new rows, together with the blocks before them that are not much larger.
    pub fn next_block(&self) -> Option<NextBlock> {
        if self.growing.is_empty() {
            return None;
        }
        let mut keep = self.blocks.len();
        let mut size = self.growing.len() * 600;
        while keep > 0 && self.blocks[keep - 1].size() < JOIN * size {
            keep -= 1;
            size += self.blocks[keep].size();
        }
        // Only what these blocks hold themselves: between two of their rows may lie others that stand elsewhere.
        let older = self.blocks[keep..].iter().flat_map(|b| b.rows().filter(|row| b.get(*row).is_some()));
        let newer = self.growing.rows().filter(|row| self.growing.get(*row).is_some());
        let mut numbers: Vec<u32> = older.chain(newer).filter(|row| self.live.contains(*row)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let mut rows = MemoryBlock::default();
        for row in numbers {
            if let Some((entries, length)) = self.get(row) {
                rows.push(row, length, entries.iter());
            }
        }
        let first = self.blocks[..keep].last().map_or(0, |b| b.new.end);
        Some(NextBlock { keep, rows, new: first..self.dictionary.len() as u32 })
    }

    /// The block that [`LiveTerms::next_block`] described was written.
    pub fn written(&mut self, keep: usize, block: FileBlock) {
        self.blocks.truncate(keep);
        self.blocks.push(block);
        self.growing = MemoryBlock::default();
    }

    fn idfs(&self) -> &[f32] {
        self.idf.get_or_init(|| {
            let all = self.live.len() as f32 + 1.0;
            let idf = |n: u32| (all / (n as f32 + 0.5)).ln();
            let counts = |(n, telling): (&u32, &bool)| if *telling && *n >= MIN_PAPERS { idf(*n) } else { 0.0 };
            self.papers.iter().zip(&self.telling).map(counts).collect()
        })
    }

    /// Live papers that hold a term.
    pub fn papers_with(&self, id: u32) -> u64 {
        self.papers.get(id as usize).map_or(0, |n| u64::from(*n))
    }

    /// Words of a live paper on average; at least 1.
    pub fn mean_length(&self) -> f32 {
        (self.length as f32 / self.live.len().max(1) as f32).max(1.0)
    }

    /// How telling a term is; 0 for one that does not count.
    pub fn idf(&self, id: u32) -> f32 {
        self.idfs().get(id as usize).copied().unwrap_or(0.0)
    }

    /// The terms of a row.
    pub fn vector(&self, row: u32) -> Option<TermVector> {
        if !self.live.contains(row) {
            return None;
        }
        let (entries, _) = self.get(row)?;
        let idf = self.idfs();
        Some(TermVector::from_weights(entries.iter().map(|(t, n)| (t, TF[n as usize] * idf[t as usize])).collect()))
    }

    /// How often a row holds each term that tells something; empty for a row that is not there.
    pub fn counts(&self, row: u32) -> Vec<(u32, u8)> {
        let Some((entries, _)) = self.get(row).filter(|_| self.live.contains(row)) else { return Vec::new() };
        let idf = self.idfs();
        entries.iter().filter(|(t, _)| idf[*t as usize] > 0.0).collect()
    }

    /// The same of a text, its terms given as often as they stand in it.
    pub fn counts_of<'a>(&self, terms: impl Iterator<Item = &'a str>) -> Vec<(u32, u8)> {
        let mut counts: BTreeMap<u32, u8> = BTreeMap::new();
        for id in terms.filter_map(|t| self.dictionary.find(t)) {
            let n = counts.entry(id).or_default();
            *n = n.saturating_add(1);
        }
        let idf = self.idfs();
        counts.into_iter().filter(|(t, _)| idf[*t as usize] > 0.0).collect()
    }

    /// The terms of a text, given as often as they stand in it.
    pub fn vector_of<'a>(&self, terms: impl Iterator<Item = &'a str>) -> TermVector {
        let (counts, idf) = (self.counts_of(terms), self.idfs());
        TermVector::from_weights(counts.into_iter().map(|(t, n)| (t, TF[n as usize] * idf[t as usize])).collect())
    }

    /// The cosine of some terms with those of each row.
    pub fn cosines(&self, terms: &TermVector, rows: &[Row]) -> Vec<f32> {
        let idf = self.idfs();
        SCRATCH.with_borrow_mut(|weights| {
            if weights.len() < idf.len() {
                weights.resize(idf.len(), 0.0);
            }
            for (term, weight) in &terms.terms {
                if let Some(w) = weights.get_mut(*term as usize) {
                    *w = *weight;
                }
            }
            let cosine = |row: &Row| {
                let Some((entries, _)) = self.get(row.0).filter(|_| self.live.contains(row.0)) else { return 0.0 };
                let (mut dot, mut square) = (0f32, 0f32);
                for (term, count) in entries.iter() {
                    let w = TF[count as usize] * idf[term as usize];
                    square += w * w;
                    dot += w * weights[term as usize];
                }
                if square > 0.0 { dot / square.sqrt() } else { 0.0 }
            };
            let cosines = rows.iter().map(cosine).collect();
            for (term, _) in &terms.terms {
                if let Some(w) = weights.get_mut(*term as usize) {
                    *w = 0.0;
                }
            }
            cosines
        })
    }

    /// The numbers that BM25 needs.
    pub fn statistics<'a>(&'a self, fields: &Fields, searcher: &'a Searcher) -> Statistics<'a> {
        Statistics { state: self, text: fields.text, searcher }
    }
}

/// `1 + ln n` for every count.
static TF: std::sync::LazyLock<[f32; 256]> = std::sync::LazyLock::new(|| {
    let mut tf = [0.0; 256];
    (1..256).for_each(|n| tf[n] = 1.0 + (n as f32).ln());
    tf
});

/// BM25's numbers from the live rows.
pub struct Statistics<'a> {
    state: &'a LiveTerms,
    text: Field,
    searcher: &'a Searcher,
}

impl Bm25StatisticsProvider for Statistics<'_> {
    fn total_num_tokens(&self, field: Field) -> tantivy::Result<u64> {
        if field == self.text { Ok(self.state.length.max(1)) } else { self.searcher.total_num_tokens(field) }
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        Ok(self.state.live.len().max(1))
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        let value = term.value();
        let word = value.as_str().filter(|_| term.field() == self.text);
        let id = word.and_then(|t| self.state.dictionary.find(t));
        let frequency = match id.map(|id| u64::from(self.state.papers[id as usize])) {
            Some(n) => n,
            None => self.searcher.doc_freq(term)?,
        };
        // BM25 takes it for granted that no term is in more papers than there are.
        Ok(frequency.min(self.total_num_docs()?))
    }
}
