//! Which papers belong together, as whoever groups them tells it. The corpus knows nobody by name.

use std::sync::{Arc, OnceLock, Weak};

use roaring::RoaringBitmap;

use super::Corpus;
use crate::engine::answer::FacetValue;
use crate::error::{Error, Result};
use crate::paper::Filter;

/// Who groups the papers of the corpus. It knows the corpus, and is asked by it.
pub trait Groups: Send + Sync {
    /// The rows of the papers that belong to a group.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such group; [`Error::BeingMade`] before the first are made.
    fn rows_of_group(&self, id: &str) -> Result<RoaringBitmap>;

    /// How many of some rows belong to each group of the middle level: at most so many groups, those of most rows first, and
    /// besides these the chosen ones, whatever their level and however few.
    ///
    /// # Errors
    /// As [`Groups::rows_of_group`].
    fn groups_among(&self, rows: &RoaringBitmap, chosen: &[String], most: usize) -> Result<Vec<FacetValue>>;

    /// The groups whose names fit, those of most papers first; none before the first are made.
    ///
    /// # Errors
    /// When what is known of them cannot be read.
    fn groups_called(&self, fits: &dyn Fn(&str) -> bool, most: usize) -> Result<Vec<FacetValue>>;
}

/// Who groups the papers, once somebody does.
#[derive(Default)]
pub struct KnownGroups(OnceLock<Weak<dyn Groups>>);

impl Corpus {
    /// Asks somebody from now on which papers belong together, for as long as it lives; the first who comes.
    pub fn ask_of_groups(&self, groups: &Arc<dyn Groups>) {
        let _ = self.groups.0.set(Arc::downgrade(groups));
    }

    /// Who knows which papers belong together; none where nobody groups them.
    pub(super) fn groups(&self) -> Option<Arc<dyn Groups>> {
        self.groups.0.get().and_then(Weak::upgrade)
    }

    /// The rows that a filter allows, its `exclude` list apart; `None` when everything is.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a theme that is not there, [`Error::BeingMade`] before there are any.
    pub fn allowed(&self, filter: &Filter) -> Result<Option<RoaringBitmap>> {
        let allowed = self.store.allowed(filter)?;
        if filter.themes.is_empty() {
            return Ok(allowed);
        }
        let groups = self.groups();
        let mut of_themes = RoaringBitmap::new();
        for id in &filter.themes {
            let groups = groups.as_ref().ok_or_else(|| Error::NotFound { what: "theme", id: id.clone() })?;
            of_themes |= groups.rows_of_group(id)?;
        }
        Ok(Some(allowed.map_or_else(|| of_themes.clone(), |rows| rows & &of_themes)))
    }
}
