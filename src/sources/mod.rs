//! Where papers and references come from.

mod invented;
mod jsonl;
mod references;

pub use invented::{invented, invented_text};
pub use jsonl::{MAX_LINE, one, open, read, unpacked};
pub use references::{Format, references};
