//! Where papers come from.

mod invented;
mod jsonl;

pub use invented::{invented, invented_text};
pub use jsonl::{MAX_LINE, one, open, read};
