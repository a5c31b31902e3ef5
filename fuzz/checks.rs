//! What every input has to stand: no panic, no hang, and the same papers however few bytes come at a time. The fuzz targets
//! call these, and so does `tests/it/fuzzed.rs` with inputs made by proptest.

#![allow(dead_code)]

use std::io::{BufReader, Cursor, Read};

use paperkin::config::SourceKind;
use paperkin::sources::{self, Format, PaperFormat, PaperReading};

/// A reader that gives a few bytes at a time.
struct Drip(Cursor<Vec<u8>>);

impl Read for Drip {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = buffer.len().min(7);
        self.0.read(&mut buffer[..n])
    }
}

/// A file of papers, by what it holds.
pub fn papers(bytes: &[u8]) {
    read(None, bytes);
}

/// A file of papers in a format that is said.
pub fn format(name: &str, bytes: &[u8]) {
    read(Some(PaperFormat::parse(name).expect("a format")), bytes);
}

fn read(format: Option<PaperFormat>, bytes: &[u8]) {
    let how = PaperReading { format, ..PaperReading::default() };
    let Ok(whole) = sources::read_papers("x", Box::new(Cursor::new(bytes.to_vec())), &how) else { return };
    let how = PaperReading { format: Some(whole.format()), ..PaperReading::default() };
    let told = |papers: sources::PaperFile<'_>| -> Vec<(usize, Result<_, String>)> {
        papers
            .map(|incoming| incoming.expect("nobody gives it up"))
            .map(|incoming| (incoming.line, incoming.paper.map_err(|rejection| rejection.reason)))
            .collect()
    };
    let whole = told(whole);
    let drip = BufReader::with_capacity(5, Drip(Cursor::new(bytes.to_vec())));
    if let Ok(dripped) = sources::read_papers("x", Box::new(drip), &how) {
        assert_eq!(whole, told(dripped));
    }
}

/// A reference list.
pub fn references(bytes: &[u8]) {
    drop(sources::references_from_bytes(bytes, Format::Auto));
}

/// A page of OAI-PMH.
pub fn oai_page(bytes: &[u8]) {
    for kind in [SourceKind::Arxiv, SourceKind::OaiPmh] {
        drop(sources::read_answer(kind, bytes));
    }
}

/// An answer of a service.
pub fn answers(bytes: &[u8]) {
    let Some((first, body)) = bytes.split_first() else { return };
    let (_, kind) = SourceKind::ALL[usize::from(*first) % SourceKind::ALL.len()];
    drop(sources::read_answer(kind, body));
}
