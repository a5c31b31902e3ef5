//! A corpus for tests: the model `hash`, and papers as they are sent.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::config::Config;
use crate::embed::Kind;
use crate::engine::corpus::{Corpus, Incoming};
use crate::paper::{Paper, Row};
use crate::store::Store;

/// Subjects that share no word.
pub const TOPICS: [&str; 4] =
    ["quasars and their jets", "soil fungi of meadows", "graph colouring bounds", "medieval wool trade"];

/// Opens a folder, with its store beside it for whoever writes behind the corpus.
pub fn open(folder: &Path, set: impl FnOnce(&mut Config)) -> (Arc<dyn Store>, Corpus) {
    let mut config = Config { model: Some("hash".into()), ..Config::new(folder) };
    set(&mut config);
    let store = crate::store::open(folder).expect("a folder");
    let corpus = Corpus::open(Arc::clone(&store), config, None, &|_, _| {}).expect("opens").corpus;
    (store, corpus)
}

/// A paper of a topic.
pub fn paper(k: usize) -> Value {
    let topic = TOPICS[k % TOPICS.len()];
    json!({ "id": format!("p{k}"), "title": format!("{topic}: observation {k}"), "abstract": format!("We look at {topic} for the {k}th time."),
        "authors": [format!("Author {}", k % 7)], "date": format!("20{:02}-01-01", 10 + k % 10) })
}

/// A paper as the store takes it.
pub fn read(value: Value) -> Paper {
    Paper::from_json(value).expect("a paper")
}

/// Takes papers in.
pub fn ingest(corpus: &Corpus, papers: impl IntoIterator<Item = Value>) {
    let one = |(k, value)| {
        let unreadable =
            |_| crate::engine::corpus::Rejection { id: None, reason: "the test's own papers are papers".into() };
        Ok(Incoming::new(k + 1, Paper::read(value).map_err(unreadable)))
    };
    let mut incoming = papers.into_iter().enumerate().map(one);
    let report = corpus.ingest(&mut incoming, &|_| {}).expect("goes in");
    assert_eq!(report.rejected_total, 0, "{:?}", report.rejected);
}

/// The vector of a paper's text.
pub fn vector(corpus: &Corpus, paper: &Paper) -> Vec<f32> {
    let separator = corpus.embedder().expect("the model").separator().to_string();
    let text = paper.text_joined(&separator);
    corpus.embedder().expect("the model").embed(&[&text], Kind::Document).expect("a vector").remove(0)
}

/// The row of a paper.
pub fn row(store: &dyn Store, id: &str) -> Row {
    let id = crate::paper::PaperId::new(id).expect("an id");
    store.rows(&[&id]).expect("read")[0].expect("it is there")
}
