//! How much a paper may hold. One place says it, whichever way a paper comes: a line, a request, an export, a reading list.
//!
//! Only the id and the title can cost a paper its place. Of an abstract the beginning is kept, of a list its first entries;
//! any other field that is longer is left out. All of it is told.

/// Bytes of a line, or of a paper in a JSON list. A longer one is rejected, and never held in memory as a whole.
pub const MAX_LINE: usize = 4 << 20;

/// Bytes of a title. A paper with a longer one is rejected: what is that long is no title, and a part of it would be another.
pub const MAX_TITLE: usize = 4 << 10;

/// Bytes of an abstract that are kept.
pub const MAX_ABSTRACT: usize = 100 << 10;

/// Bytes of the fields that are kept under `extra`, as JSON text.
pub const MAX_EXTRA: usize = 64 << 10;

/// How deep lists and objects under `extra` may stand in each other.
pub const MAX_DEPTH: usize = 100;

/// Authors that are kept.
pub const MAX_AUTHORS: usize = 10_000;

/// Categories that are kept, and as many keywords.
pub const MAX_TERMS: usize = 1000;

/// Bytes of a name: of an author, a category, a keyword, a venue, an organization, a submitter.
pub const MAX_NAME: usize = 1 << 10;

/// Bytes of an address.
pub const MAX_URL: usize = 4 << 10;

/// Bytes of JSON that may stand around a short text: an object that holds it, with other things beside it.
pub(super) const AROUND: usize = 16 << 10;
