//! Themes as the last run left them: who is in which, what they are called, and what happened to them.
//!
//! All of it but the events is derived from papers and vectors and can be made again; the events are the memory of the
//! runs. What a theme is, apart from its place in the tree, is text (JSON) to this floor.

use crate::error::Result;
use crate::paper::Row;

/// The last run.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRun {
    /// Its number, from 1.
    pub run: u64,
    /// The store's change number that it had read up to.
    pub change: u64,
    /// Papers that it grouped.
    pub papers: usize,
    /// Fingerprint of the model whose vectors it grouped.
    pub model: String,
    /// Seconds since 1970-01-01, UTC.
    pub at: i64,
    /// The number that the next new theme gets; numbers are never used twice.
    pub next: u32,
    /// Everything else.
    pub json: String,
}

/// A theme.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredTheme {
    /// Its number for ever.
    pub theme: u32,
    /// 0 is the coarsest.
    pub level: usize,
    /// The theme one level up that it lies in.
    pub parent: Option<u32>,
    /// Everything else.
    pub json: String,
}

/// Where a paper is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StoredAssignment {
    /// Which paper.
    pub row: Row,
    /// The finest theme, or the nearest one; none where there is none.
    pub theme: Option<u32>,
    /// Whether it belongs to it.
    pub member: bool,
    /// How surely, 0 to 1.
    pub strength: f32,
    /// Its place on the map.
    pub x: f32,
    /// Its place on the map.
    pub y: f32,
}

/// Something that happened to a theme.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredThemeEvent {
    /// In which run.
    pub run: u64,
    /// When, in seconds since 1970-01-01, UTC.
    pub at: i64,
    /// The theme it is told of.
    pub theme: u32,
    /// What.
    pub json: String,
}

/// What the runs of themes left.
pub trait Themes {
    /// The last run and its themes in the order of their numbers; none before the first.
    fn themes(&self) -> Result<Option<(StoredRun, Vec<StoredTheme>)>>;

    /// Where every paper is, by row; papers that are gone are left out.
    fn theme_assignments(&self) -> Result<Vec<StoredAssignment>>;

    /// Puts the outcome of a run in the place of the one before, and adds what happened, at once.
    fn put_theme_run(
        &self,
        run: &StoredRun,
        themes: &[StoredTheme],
        assignments: &[StoredAssignment],
        events: &[StoredThemeEvent],
    ) -> Result<()>;

    /// Adds papers to the themes of the last run, in the place of what was known of these rows, and forgets those that are
    /// gone.
    fn join_themes(&self, assignments: &[StoredAssignment], gone: &[Row]) -> Result<()>;

    /// Up to `limit` events, what was written last first: of one theme, or of all.
    fn theme_events(&self, theme: Option<u32>, limit: usize) -> Result<Vec<StoredThemeEvent>>;
}
