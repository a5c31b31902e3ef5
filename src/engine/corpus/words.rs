//! What the index of words takes of a paper.

use crate::index::Document;
use crate::paper::bounds::MAX_ABSTRACT;
use crate::paper::{Paper, Row};

/// The folder of the index of words, inside the data folder.
pub const WORDS: &str = "words";

/// What the index of words takes of a paper.
pub fn document(row: Row, paper: &Paper) -> Document<'_> {
    Document {
        row: row.0,
        title: bounded(&paper.title),
        summary: bounded(&paper.summary),
        authors: &paper.authors,
        keywords: &paper.keywords,
        categories: &paper.categories,
        day: paper.day(),
    }
}

/// What of a text is looked for by its words: papers of earlier versions may have longer ones than are let in today.
fn bounded(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_ABSTRACT)]
}
