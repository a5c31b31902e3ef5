//! The built-in corpus: 252 papers over 12 fields, all invented for this project. No such paper, person or result exists.

use super::read;
use crate::engine::Incoming;
use crate::error::Result;

/// The corpus as JSON Lines.
pub fn invented_text() -> &'static str {
    include_str!("invented.jsonl")
}

/// The papers of the corpus.
pub fn invented() -> impl Iterator<Item = Result<Incoming>> {
    read("the built-in corpus", invented_text().as_bytes())
}
