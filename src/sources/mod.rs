//! Where papers and references come from.

mod charset;
mod invented;
mod jsonl;
mod references;

pub use charset::to_utf8;
pub use invented::{invented, invented_text};
pub use jsonl::{MAX_LINE, one, open, read, unpacked};
pub use references::{Format, references, references_from_bytes};
