//! Abbreviations that outlive the part of a list that has defined them.

use super::raw::{Field, Piece};

/// A field on its own: an abbreviation that a later part of a stream may use.
#[derive(Debug, Clone)]
pub struct OwnedField {
    name: String,
    /// The parts, and whether each stood in braces or quotes.
    pieces: Vec<(bool, String)>,
}

impl OwnedField {
    /// A copy.
    pub fn of(field: &Field<'_>) -> Self {
        let piece = |piece| match piece {
            Piece::Text(text) => (true, text.to_string()),
            Piece::Word(word) => (false, word.to_string()),
        };
        OwnedField { name: field.name.to_string(), pieces: field.pieces().map(piece).collect() }
    }

    /// The field.
    pub fn field(&self) -> Field<'_> {
        let mut pieces =
            self.pieces.iter().map(|(quoted, text)| if *quoted { Piece::Text(text) } else { Piece::Word(text) });
        Field::new(&self.name, pieces.next().unwrap_or(Piece::Text("")), pieces.collect())
    }

    /// About how many bytes of memory it takes.
    pub fn weight(&self) -> usize {
        64 + self.name.len() + self.pieces.iter().map(|(_, text)| 48 + text.len()).sum::<usize>()
    }
}
