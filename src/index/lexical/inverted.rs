//! From a word to the papers that hold it: tantivy's index with our words, our statistics and rows for names.

use std::collections::{BinaryHeap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use roaring::RoaringBitmap;
use tantivy::columnar::ColumnValues;
use tantivy::directory::MmapDirectory;
use tantivy::index::{SegmentId, SegmentMeta};
use tantivy::indexer::{LogMergePolicy, MergeCandidate, MergePolicy};
use tantivy::query::{Bm25StatisticsProvider, EnableScoring, Query};
use tantivy::schema::{FAST, Field, INDEXED, IndexRecordOption, STRING, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{PreTokenizedString, Token};
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, Searcher, TantivyDocument, TantivyError, Term};

use super::analyzer::Word;
use crate::error::{Error, Result};
use crate::index::{Neighbour, closest_first};
use crate::paper::Row;

/// Memory of the writer before it begins another segment.
const WRITER_BYTES: usize = 64 << 20;

/// Share of the papers in one segment from which on the others are not worth joining to it.
const NEARLY_ALL: f64 = 0.9;

/// Places between two texts of one field, so that no phrase reaches across.
const GAP: usize = 16;

/// The fields of the index.
#[derive(Clone, Copy)]
pub struct Fields {
    /// The row, to take a paper away and to name it.
    pub row: Field,
    /// Title (twice), abstract, keywords.
    pub text: Field,
    /// The title alone.
    pub title: Field,
    /// The words of all texts as they are written, for what is no name and what was mistyped: which papers, nothing more.
    pub whole: Field,
    /// Names of persons.
    pub author: Field,
    /// Categories, in lower case.
    pub category: Field,
    /// Days since 1970-01-01.
    pub day: Field,
}

/// A paper as the index takes it.
pub struct Indexed {
    pub row: Row,
    /// Texts that belong together (title, title, abstract, ...).
    pub text: Vec<Vec<Word>>,
    pub title: Vec<Word>,
    /// See [`Fields::whole`]; each once.
    pub whole: Vec<String>,
    pub authors: Vec<Vec<Word>>,
    pub categories: Vec<String>,
    pub day: Option<i32>,
}

/// A state of the index that does not change any more.
pub struct View {
    pub searcher: Searcher,
    /// The row of each document, by segment.
    rows: Vec<Arc<dyn ColumnValues<u64>>>,
}

/// tantivy's index in a folder.
pub struct Inverted {
    pub fields: Fields,
    index: Index,
    reader: IndexReader,
    // Opened by the first who writes: half of the commands never do.
    writer: Mutex<Option<IndexWriter>>,
    // Held while segments are joined, so that nobody joins those that are being joined. Commits go on meanwhile.
    joining: Mutex<()>,
    merging: Merging,
    // Held while the next view is made, so that an older one never takes the place of a newer.
    reloading: Mutex<()>,
    // A lock only around the pointer: searches take a copy of it.
    view: RwLock<Arc<View>>,
}

/// What of the log says nothing to anybody: see `Merging`.
pub const QUIET: &str = "tantivy::indexer::segment_manager=error";

/// tantivy's own policy of joining small segments, which remembers what it has set going.
///
/// tantivy joins in the background, and takes the result in when it is done, in the place of the segments that went into it.
/// When one of these is gone by then it drops the result and warns ("couldn't find segment in SegmentManager"); nothing is
/// lost but the work. That was so whenever [`Inverted::join`] joined all segments while some of them were being joined. It
/// still is when a commit takes the last paper of a segment away meanwhile, which is how things are: the segments are
/// offered again.
#[derive(Debug, Clone, Default)]
struct Merging {
    policy: LogMergePolicy,
    /// Segments that were proposed, and not offered again since: they are being joined, or gone.
    under_way: Arc<Mutex<HashSet<SegmentId>>>,
}

/// Segments that are remembered at most; of those that are gone nobody hears.
const REMEMBERED: usize = 10_000;

impl MergePolicy for Merging {
    fn compute_merge_candidates(&self, segments: &[SegmentMeta]) -> Vec<MergeCandidate> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        // tantivy offers none that it is joining.
        for segment in segments {
            under_way.remove(&segment.id());
        }
        if under_way.len() > REMEMBERED {
            under_way.clear();
        }
        let candidates = self.policy.compute_merge_candidates(segments);
        under_way.extend(candidates.iter().flat_map(|candidate| candidate.0.iter().copied()));
        candidates
    }
}

fn schema() -> (Schema, Fields) {
    let mut b = Schema::builder();
    let words =
        |record| TextOptions::default().set_indexing_options(TextFieldIndexing::default().set_index_option(record));
    let fields = Fields {
        row: b.add_u64_field("row", FAST | INDEXED),
        text: b.add_text_field("text", words(IndexRecordOption::WithFreqsAndPositions)),
        title: b.add_text_field("title", words(IndexRecordOption::WithFreqsAndPositions)),
        whole: b.add_text_field(
            "whole",
            TextOptions::default().set_indexing_options(
                TextFieldIndexing::default().set_index_option(IndexRecordOption::Basic).set_fieldnorms(false),
            ),
        ),
        author: b.add_text_field("author", words(IndexRecordOption::WithFreqsAndPositions)),
        category: b.add_text_field("category", STRING),
        day: b.add_i64_field("day", FAST | INDEXED),
    };
    (b.build(), fields)
}

/// Removes the files of segments and deletions that were never committed: a process that was killed leaves them, and the
/// next commit would give its own the same names.
fn sweep(folder: &Path, index: &Index) -> tantivy::Result<()> {
    let named = index.load_metas()?.list_segment_files();
    for entry in std::fs::read_dir(folder)?.flatten() {
        let name = entry.file_name();
        let of_a_segment = name
            .to_str()
            .and_then(|n| n.split_once('.'))
            .is_some_and(|(segment, _)| segment.len() == 32 && segment.bytes().all(|b| b.is_ascii_hexdigit()));
        if of_a_segment && !named.contains(Path::new(&name)) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

impl Inverted {
    /// Opens the index in a folder, or makes one; gives what the last commit said beside it. An error names what is wrong
    /// with the files.
    pub fn open(folder: &Path) -> std::result::Result<(Self, Option<String>), String> {
        let (schema, fields) = schema();
        let words = |e: TantivyError| e.to_string();
        let directory = MmapDirectory::open(folder).map_err(|e| e.to_string())?;
        let index = if Index::exists(&directory).map_err(|e| e.to_string())? {
            let index = Index::open(directory).map_err(words)?;
            sweep(folder, &index).map_err(words)?;
            if index.schema() != schema {
                return Err(super::EARLIER.into());
            }
            let damaged = index.validate_checksum().map_err(words)?;
            if let Some(file) = damaged.iter().next() {
                return Err(format!("{} is damaged: its checksum differs", folder.join(file).display()));
            }
            index
        } else {
            Index::create(directory, schema, tantivy::IndexSettings::default()).map_err(words)?
        };
        let payload = index.load_metas().map_err(words)?.payload;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into().map_err(words)?;
        let view = view(&reader).map_err(words)?;
        let inverted = Inverted {
            fields,
            index,
            reader,
            writer: Mutex::default(),
            joining: Mutex::default(),
            merging: Merging::default(),
            reloading: Mutex::default(),
            view: RwLock::new(Arc::new(view)),
        };
        Ok((inverted, payload))
    }

    /// The state that the last commit left.
    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes papers in; they are found after the next commit. One whose row is there already takes its place.
    pub fn add(&self, papers: Vec<Indexed>, known: &RoaringBitmap) -> Result<()> {
        self.with_writer(|writer| {
            for paper in papers {
                if known.contains(paper.row.0) {
                    writer.delete_term(Term::from_field_u64(self.fields.row, paper.row.0.into()));
                }
                writer.add_document(self.document(paper))?;
            }
            Ok(())
        })
    }

    /// Takes rows away with the next commit.
    pub fn remove(&self, rows: &[Row]) -> Result<()> {
        self.with_writer(|writer| {
            for row in rows {
                writer.delete_term(Term::from_field_u64(self.fields.row, row.0.into()));
            }
            Ok(())
        })
    }

    /// Makes everything so far durable and found, with a text that the next open gives back. On an error nothing since
    /// the last commit counts.
    pub fn commit(&self, payload: &str) -> Result<()> {
        self.with_writer(|writer| {
            let mut prepared = writer.prepare_commit()?;
            prepared.set_payload(payload);
            prepared.commit()?;
            Ok(())
        })?;
        self.reload()
    }

    /// Lets the writer go, and with it what was not committed.
    pub fn close(&self) {
        *self.writer.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Reads every file of the last commit; gives how many there are, and what is wrong with those that are damaged.
    pub fn check_files(&self, folder: &Path) -> (usize, Vec<String>) {
        let files = self.index.load_metas().map(|metas| metas.list_segment_files().len()).unwrap_or_default();
        let damaged = match self.index.validate_checksum() {
            Ok(files) => {
                files.iter().map(|f| format!("{} is damaged: its checksum differs", folder.join(f).display())).collect()
            }
            Err(e) => vec![format!("{}: {e}", folder.display())],
        };
        (files, damaged)
    }

    /// Joins all segments into one, if there are more than `most` and the largest does not hold nearly all papers: then
    /// tantivy's own merging of the small ones is enough.
    pub fn join(&self, most: usize) -> Result<()> {
        let _joining = self.joining.lock().unwrap_or_else(PoisonError::into_inner);
        let view = self.view();
        let sizes: Vec<u32> = view.searcher.segment_readers().iter().map(|s| s.num_docs()).collect();
        let (all, largest) = (sizes.iter().sum::<u32>(), sizes.iter().max().copied().unwrap_or(0));
        if sizes.len() <= most || f64::from(largest) > NEARLY_ALL * f64::from(all) {
            return Ok(());
        }
        let segments = self.index.searchable_segment_ids().map_err(explain)?;
        // The writer only begins it: held to the end, it would keep every commit waiting for seconds. That cannot fail, and
        // what fails later fails beside the writer, so what waits in it for a commit is safe.
        let begin = |writer: &mut IndexWriter| {
            // Behind the writer's lock, never before it: whoever commits holds that and waits for who asks the policy.
            let under_way = self.merging.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            let free = !segments.iter().any(|segment| under_way.contains(segment));
            Ok(free.then(|| writer.merge(&segments)))
        };
        // tantivy is joining some of them itself: of two that join the same, the later would find nothing to put its work into.
        let Some(begun) = self.with_writer(begin)? else { return Ok(()) };
        match begun.wait() {
            // One of them is gone: its papers were all taken away meanwhile. The next time is soon enough.
            Ok(_) | Err(TantivyError::InvalidArgument(_)) => self.reload(),
            Err(e) => Err(explain(e)),
        }
    }

    fn reload(&self) -> Result<()> {
        let _reloading = self.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        self.reader.reload().map_err(explain)?;
        let view = Arc::new(view(&self.reader).map_err(explain)?);
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = view;
        Ok(())
    }

    fn with_writer<T>(&self, f: impl FnOnce(&mut IndexWriter) -> tantivy::Result<T>) -> Result<T> {
        let mut slot = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let writer = match &mut *slot {
            Some(writer) => writer,
            None => {
                let writer: IndexWriter = self.index.writer_with_num_threads(1, WRITER_BYTES).map_err(explain)?;
                writer.set_merge_policy(Box::new(self.merging.clone()));
                slot.insert(writer)
            }
        };
        let out = f(writer).map_err(explain);
        if out.is_err() {
            // A writer that failed once takes nothing more.
            *slot = None;
        }
        out
    }

    fn document(&self, paper: Indexed) -> TantivyDocument {
        let fields = &self.fields;
        let mut document = TantivyDocument::new();
        document.add_u64(fields.row, paper.row.0.into());
        document.add_pre_tokenized_text(fields.text, tokens(paper.text));
        document.add_pre_tokenized_text(fields.title, tokens(vec![paper.title]));
        document.add_pre_tokenized_text(fields.whole, list(paper.whole));
        document.add_pre_tokenized_text(fields.author, tokens(paper.authors));
        for category in paper.categories {
            document.add_text(fields.category, category);
        }
        if let Some(day) = paper.day {
            document.add_i64(fields.day, day.into());
        }
        document
    }
}

impl View {
    /// The `k` rows with the greatest scores among those that `allowed` lets through.
    pub fn best(
        &self,
        query: &dyn Query,
        statistics: &dyn Bm25StatisticsProvider,
        k: usize,
        allowed: &dyn Fn(Row) -> bool,
    ) -> Result<Vec<Neighbour>> {
        if k == 0 {
            return Ok(Vec::new());
        }
        let scoring = EnableScoring::enabled_from_statistics_provider(statistics, &self.searcher);
        let weight = query.weight(scoring).map_err(explain)?;
        // The worst of the best so far on top.
        let mut heap: BinaryHeap<Worst> = BinaryHeap::with_capacity(k.min(1 << 16) + 1);
        let mut threshold = f32::MIN;
        for (reader, rows) in self.searcher.segment_readers().iter().zip(&self.rows) {
            let alive = reader.alive_bitset();
            // What the segments before it gave need not be beaten again.
            let least = threshold;
            let mut take = |document, score| {
                let row = Row(rows.get_val(document) as u32);
                if alive.is_none_or(|a| a.is_alive(document)) && allowed(row) {
                    heap.push(Worst(Neighbour { row, score }));
                    if heap.len() > k {
                        heap.pop();
                    }
                    if heap.len() == k {
                        // tantivy passes over what does not exceed it. An equal score must come through, for the smaller
                        // row counts then, wherever its segment lies.
                        threshold = heap.peek().map_or(f32::MIN, |w| w.0.score.next_down());
                    }
                }
                threshold
            };
            weight.for_each_pruning(least, reader, &mut take).map_err(explain)?;
        }
        let mut found: Vec<Neighbour> = heap.into_iter().map(|w| w.0).collect();
        found.sort_unstable_by(closest_first);
        Ok(found)
    }

    /// Whether everything in it is still there.
    pub fn is_clean(&self) -> bool {
        self.searcher.segment_readers().iter().all(|s| s.num_deleted_docs() == 0)
    }

    /// Papers that hold a term, those included that are gone and not yet merged away.
    pub fn frequency(&self, field: Field, term: &str) -> Result<u64> {
        self.searcher.doc_freq(&Term::from_field_text(field, term)).map_err(explain)
    }

    /// Every row that a query matches.
    pub fn all(&self, query: &dyn Query) -> Result<RoaringBitmap> {
        let weight = query.weight(EnableScoring::disabled_from_searcher(&self.searcher)).map_err(explain)?;
        let mut found = RoaringBitmap::new();
        for (reader, rows) in self.searcher.segment_readers().iter().zip(&self.rows) {
            let alive = reader.alive_bitset();
            let mut take = |documents: &[u32]| {
                for document in documents {
                    if alive.is_none_or(|a| a.is_alive(*document)) {
                        found.insert(rows.get_val(*document) as u32);
                    }
                }
            };
            weight.for_each_no_score(reader, &mut take).map_err(explain)?;
        }
        Ok(found)
    }
}

fn view(reader: &IndexReader) -> tantivy::Result<View> {
    let searcher = reader.searcher();
    let mut rows = Vec::new();
    for segment in searcher.segment_readers() {
        rows.push(segment.fast_fields().u64("row")?.first_or_default_col(u64::MAX));
    }
    Ok(View { searcher, rows })
}

struct Worst(Neighbour);

impl Ord for Worst {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        closest_first(&self.0, &other.0)
    }
}

impl PartialOrd for Worst {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Worst {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Worst {}

/// Texts one behind the other, as tantivy takes words that are found already.
fn tokens(texts: Vec<Vec<Word>>) -> PreTokenizedString {
    let mut tokens: Vec<Token> = Vec::with_capacity(texts.iter().map(Vec::len).sum());
    let mut begin = 0;
    for mut words in texts {
        // Joined forms come behind their parts; tantivy wants places that rise.
        words.sort_by_key(|w| w.position);
        words.dedup_by(|a, b| a.position == b.position && a.term == b.term);
        let end = words.last().map_or(0, |w| w.position + GAP);
        tokens.extend(words.into_iter().map(|w| token(w.term, begin + w.position)));
        begin += end;
    }
    PreTokenizedString { text: String::new(), tokens }
}

/// Words whose places do not matter.
fn list(words: Vec<String>) -> PreTokenizedString {
    let tokens = words.into_iter().enumerate().map(|(k, text)| token(text, k)).collect();
    PreTokenizedString { text: String::new(), tokens }
}

fn token(text: String, position: usize) -> Token {
    Token { offset_from: 0, offset_to: 0, position, text, position_length: 1 }
}

/// tantivy's words, made into what a person can do.
pub fn explain(e: TantivyError) -> Error {
    match e {
        TantivyError::IoError(_) | TantivyError::OpenWriteError(_) => Error::Data(format!(
            "cannot write the index of words ({e}; is the disk full?). The papers are safe; what it lacks is added when the \
             folder is next opened, or as soon as there is room"
        )),
        e => Error::Internal(format!("the index of words: {e}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_being_joined_is_known() {
        let index = Index::create_in_ram(schema().0);
        let segments: Vec<SegmentMeta> =
            (0..16).map(|_| index.new_segment_meta(SegmentId::generate_random(), 1)).collect();
        let merging = Merging::default();
        let proposed: HashSet<SegmentId> =
            merging.compute_merge_candidates(&segments).into_iter().flat_map(|candidate| candidate.0).collect();
        let under_way = || merging.under_way.lock().expect("no panic").clone();
        assert!(!proposed.is_empty());
        assert_eq!(under_way(), proposed);
        // What is offered again is no longer under way.
        merging.compute_merge_candidates(&segments[..2]);
        assert!(!under_way().contains(&segments[0].id()) && under_way().len() == proposed.len() - 2);
    }
}
