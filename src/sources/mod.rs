//! Where papers and references come from.
//!
//! **Another service** is a file in `feeds`: it is a [`Source`], or, where it answers with pages of JSON, what `feeds/paged` asks for
//! (`europe_pmc` is the shortest). It gets an arm in `feeds/registry`, a kind in `config/sources`, and a service on loopback in
//! `tests/it/services` that plays its format. Whatever it asks for goes through [`web`]. **Another format of files of papers**:
//! `files/mod.rs` says how. **Another format of reference lists**: `references/mod.rs` says how, and with it it can be one of papers.
//!
//! Whatever papers come from gives [`Incoming`](crate::engine::Incoming) papers, which
//! [`Engine::ingest`](crate::engine::Engine::ingest) takes; all reading of a format stays in its file, and none of it looks into the
//! engine. Who calls it is a command (`cli/demo` is the shortest) or a job.

mod charset;
mod feeds;
mod files;
mod invented;
mod jsonl;
mod references;
mod unpack;
pub mod web;

pub use charset::to_utf8;
pub use feeds::{Asked, Batch, Place, Source, open as open_source, read_answer};
pub use files::{Columns, PaperFile, PaperFormat, PaperReading, open_papers, read_papers};
pub use invented::{invented, invented_text};
pub use jsonl::{InJson, ListInJson, list_in_json, one, open, read};
pub use references::{Format, references, references_from_bytes};
pub use unpack::{Counted, Unpacking, unpacked};
pub use web::{Ask, GivenBy, HeaderName, Manners, Page, Patience, Receipt, Reply, Validators, Web, header};
