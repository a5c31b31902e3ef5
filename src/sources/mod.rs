//! Where papers and references come from.

mod charset;
mod invented;
mod jsonl;
mod references;
mod unpack;

pub use charset::to_utf8;
pub use invented::{invented, invented_text};
pub use jsonl::{InJson, ListInJson, list_in_json, one, open, read};
pub use references::{Format, references, references_from_bytes};
pub use unpack::{Unpacking, unpacked};
