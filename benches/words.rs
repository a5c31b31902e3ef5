//! Question: does the forward index of words (which terms each paper holds) earn its place beside tantivy's own stored fields?
//!
//! Data: a data folder of your own, named in `PAPERKIN_BENCH_DATA` (ingest it first; it must not be served meanwhile). From its
//! terms the bench writes the same once more into tantivy, one document a paper: as a stored field (LZ4 and none), and as a fast
//! field of many values, a term and its count in each.
//!
//! How to read the table: milliseconds (the middle of many calls) for the cosines of one paper's terms with those of 400 and of 4,000
//! others, picked at random as candidates are; milliseconds for reading all papers once in their order, which opening does to count
//! in how many papers each term is; and bytes on disk.
//!
//!     PAPERKIN_BENCH_DATA=paperkin-data cargo bench --bench words

use std::collections::HashMap;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use paperkin::config::Config;
use paperkin::engine::Engine;
use paperkin::index::{Lexical, TermVector};
use paperkin::paper::Row;
use tantivy::columnar::{Column, ColumnValues};
use tantivy::schema::{FAST, Field, INDEXED, STORED, Schema, Value};
use tantivy::store::Compressor;
use tantivy::{Index, IndexSettings, IndexWriter, Searcher, TantivyDocument};

const CALLS: usize = 40;

fn main() {
    let Some(data) = std::env::var_os("PAPERKIN_BENCH_DATA") else {
        println!("set PAPERKIN_BENCH_DATA to a data folder with papers");
        return;
    };
    let data = Path::new(&data);
    let engine = Engine::open(Config::new(data)).expect("opens").engine;
    let words = engine.lexical();
    let rows: Vec<Row> = words.rows().iter().map(Row).collect();
    println!("{} papers, {} terms", rows.len(), words.vocabulary());
    println!("{:<34} {:>10} {:>10} {:>12} {:>12}", "", "400 ms", "4,000 ms", "read all ms", "MB on disk");
    let blocks = std::fs::read_dir(data.join("words")).expect("a folder").flatten();
    let blocks = blocks.filter(|f| f.file_name().to_string_lossy().starts_with("terms-"));
    let bytes = blocks.map(|f| f.metadata().map_or(0, |m| m.len())).sum::<u64>();
    let cosines = |some: &[Row]| words.cosines(&TermVector { terms: own(words, some[0]) }, some);
    let all = milliseconds(3, || rows.chunks(4000).map(|some| words.counts(some).len()).sum::<usize>());
    let name = "own (with the terms themselves)";
    report(name, &rows, &cosines, all, bytes);
    for (name, form) in [
        ("stored field, LZ4", Form::Stored(Compressor::Lz4)),
        ("stored field, not compressed", Form::Stored(Compressor::None)),
        ("fast field of many values", Form::Fast),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let began = Instant::now();
        let stored = Stored::write(folder.path(), words, &rows, form);
        println!("(written in {:.1} s)", began.elapsed().as_secs_f64());
        let files = std::fs::read_dir(folder.path()).expect("a folder").flatten();
        let files = files.filter(|f| f.path().extension().is_some_and(|e| e == form.ending()));
        let bytes = files.map(|f| f.metadata().map_or(0, |m| m.len())).sum::<u64>();
        let cosines = |some: &[Row]| stored.cosines(&own(words, some[0]), some);
        let all = milliseconds(1, || rows.iter().map(|row| stored.entries(*row).len()).sum::<usize>());
        report(name, &rows, &cosines, all, bytes);
    }
}

fn own(words: &Lexical, row: Row) -> Vec<(u32, f32)> {
    words.terms(&[row]).pop().flatten().unwrap_or_default().terms
}

fn report(name: &str, rows: &[Row], cosines: &dyn Fn(&[Row]) -> Vec<f32>, all: f64, bytes: u64) {
    let mut random = fastrand::Rng::with_seed(1);
    let mut time = |n: usize| {
        let some: Vec<Vec<Row>> =
            (0..CALLS).map(|_| (0..n).map(|_| rows[random.usize(..rows.len())]).collect()).collect();
        let mut k = 0;
        milliseconds(CALLS, || {
            k += 1;
            cosines(&some[k - 1]).len()
        })
    };
    let (few, many) = (time(400), time(4000));
    println!("{name:<34} {few:>10.3} {many:>10.3} {all:>12.1} {:>12.1}", bytes as f64 / 1e6);
}

/// The middle of so many calls.
fn milliseconds(calls: usize, mut f: impl FnMut() -> usize) -> f64 {
    let mut times: Vec<f64> = (0..calls)
        .map(|_| {
            let began = Instant::now();
            black_box(f());
            began.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[calls / 2]
}

/// Where tantivy keeps the terms of a paper.
#[derive(Clone, Copy)]
enum Form {
    Stored(Compressor),
    Fast,
}

impl Form {
    /// Of the file that holds them.
    fn ending(self) -> &'static str {
        match self {
            Form::Stored(_) => "store",
            Form::Fast => "fast",
        }
    }
}

/// The terms of each paper in tantivy.
struct Stored {
    form: Form,
    searcher: Searcher,
    entries: Field,
    /// Of each segment, where they are in a fast field.
    columns: Vec<Column<u64>>,
    /// The document of each row.
    place: HashMap<Row, tantivy::DocAddress>,
    /// By term: how much finding it is worth. Any number does here.
    idf: Vec<f32>,
}

impl Stored {
    fn write(folder: &Path, words: &Lexical, rows: &[Row], form: Form) -> Self {
        let mut schema = Schema::builder();
        let row = schema.add_u64_field("row", FAST | INDEXED);
        let (entries, settings) = match form {
            Form::Stored(docstore_compression) => (
                schema.add_bytes_field("entries", STORED),
                IndexSettings { docstore_compression, ..IndexSettings::default() },
            ),
            Form::Fast => (schema.add_u64_field("entries", FAST), IndexSettings::default()),
        };
        let index = Index::builder().schema(schema.build()).settings(settings).create_in_dir(folder).expect("made");
        let mut writer: IndexWriter = index.writer_with_num_threads(1, 64 << 20).expect("a writer");
        for some in rows.chunks(1000) {
            for (number, counts) in some.iter().zip(words.counts(some)) {
                let mut document = TantivyDocument::new();
                document.add_u64(row, number.0.into());
                if let Form::Fast = form {
                    counts
                        .iter()
                        .for_each(|(term, n)| document.add_u64(entries, u64::from(*term) << 8 | u64::from(*n)));
                } else {
                    let mut bytes: Vec<u8> = counts.iter().flat_map(|(term, _)| term.to_le_bytes()).collect();
                    bytes.extend(counts.iter().map(|c| c.1));
                    document.add_bytes(entries, &bytes);
                }
                writer.add_document(document).expect("added");
            }
        }
        writer.commit().expect("written");
        let searcher = index.reader().expect("a reader").searcher();
        let (mut place, mut columns) = (HashMap::new(), Vec::new());
        for (k, segment) in searcher.segment_readers().iter().enumerate() {
            let column = segment.fast_fields().u64("row").expect("a column").first_or_default_col(0);
            for (document, number) in column.iter().enumerate() {
                place.insert(Row(number as u32), tantivy::DocAddress::new(k as u32, document as u32));
            }
            if let Form::Fast = form {
                columns.push(segment.fast_fields().u64("entries").expect("a column"));
            }
        }
        Stored { form, searcher, entries, columns, place, idf: vec![1.5; words.vocabulary()] }
    }

    fn entries(&self, row: Row) -> Vec<(u32, u8)> {
        if let Form::Fast = self.form {
            let place = self.place[&row];
            let values = self.columns[place.segment_ord as usize].values_for_doc(place.doc_id);
            return values.map(|v| ((v >> 8) as u32, v as u8)).collect();
        }
        let document: TantivyDocument = self.searcher.doc(self.place[&row]).expect("there");
        let bytes = document.get_first(self.entries).and_then(|v| v.as_bytes()).unwrap_or_default();
        let (terms, counts) = bytes.split_at(bytes.len() / 5 * 4);
        let terms = terms.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        terms.zip(counts.iter().copied()).collect()
    }

    fn cosines(&self, terms: &[(u32, f32)], rows: &[Row]) -> Vec<f32> {
        let mut weights = vec![0f32; self.idf.len()];
        terms.iter().for_each(|(term, weight)| weights[*term as usize] = *weight);
        let cosine = |row: &Row| {
            let (mut dot, mut square) = (0f32, 0f32);
            for (term, count) in self.entries(*row) {
                let w = (1.0 + f32::from(count)) * self.idf[term as usize];
                square += w * w;
                dot += w * weights[term as usize];
            }
            if square > 0.0 { dot / square.sqrt() } else { 0.0 }
        };
        rows.iter().map(cosine).collect()
    }
}
