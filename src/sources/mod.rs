//! Where papers and references come from.
//!
//! **Another source of papers** is a file here that gives an iterator of [`Incoming`](crate::engine::Incoming) papers, which
//! [`Engine::ingest`](crate::engine::Engine::ingest) takes as it takes those of a file; all reading of its format stays in
//! that file, and none of it looks into the engine.
//! Who calls it is a command (`cli/demo` is the shortest). **Another format of reference lists**: `references/mod.rs` says how.

mod charset;
mod feeds;
mod files;
mod invented;
mod jsonl;
mod references;
mod unpack;
pub mod web;

pub use charset::to_utf8;
pub use feeds::{Asked, Batch, Place, Source, open as open_source};
pub use files::{Columns, PaperFile, PaperFormat, PaperReading, open_papers, read_papers};
pub use invented::{invented, invented_text};
pub use jsonl::{InJson, ListInJson, list_in_json, one, open, read};
pub use references::{Format, references, references_from_bytes};
pub use unpack::{Unpacking, unpacked};
pub use web::{Ask, GivenBy, Manners, Page, Patience, Reply, Validators, Web};
