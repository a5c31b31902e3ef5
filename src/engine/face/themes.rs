//! What can be asked of the themes.

use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::themes::{
    Assigned, ExportedThemes, MapColumns, MapOptions, MapPapers, MapPoints, OneTheme, Selection, SelectionThemes,
    Stability, ThemeEvents, ThemeList, ThemeMap, ThemeName, ThemeOptions, ThemesKept, ThemesOptions, ThemesRun,
};
use crate::error::Result;
use crate::paper::{Paper, PaperId};

impl Engine {
    /// A part of the map.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a request that is not allowed;
    /// [`Error::BeingMade`](crate::Error::BeingMade) before the first run.
    pub fn themes_map(&self, ask: &MapOptions) -> Result<ThemeMap> {
        self.themes.themes_map(ask)
    }

    /// The whole map as columns of bytes, for who draws all of it.
    ///
    /// # Errors
    /// As [`Engine::themes_map`].
    pub fn map_columns(&self) -> Result<Arc<MapColumns>> {
        self.themes.map_columns()
    }

    /// What stands behind points of the map: some of them, or those that a search finds.
    ///
    /// # Errors
    /// As [`Engine::themes_map`].
    pub fn map_papers(&self, points: &MapPoints) -> Result<MapPapers> {
        self.themes.map_papers(points)
    }

    /// Whether a run is worth it: there was none, much has changed since, or the model is another.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn themes_due(&self) -> Result<bool> {
        self.themes.themes_due()
    }

    /// Whether [`Engine::keep_themes`] would do something.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn themes_have_work(&self, patient: bool) -> Result<bool> {
        self.themes.themes_have_work(patient)
    }

    /// Whether nothing is to be waited for: all papers are in the themes, there are some where there are papers, and none is
    /// due that takes but a moment. It waits for nothing itself.
    pub fn themes_are_settled(&self) -> bool {
        self.themes.themes_are_settled()
    }

    /// Lets new papers join the themes, and makes these anew if that is due and either the papers are few (2,000), or
    /// `patient` says that it may take its time. Nothing else lets them join: a question never does.
    ///
    /// # Errors
    /// As [`Engine::run_themes`].
    pub fn keep_themes(&self, patient: bool) -> Result<ThemesKept> {
        self.themes.keep_themes(patient)
    }

    /// Makes the themes anew, due or not, as [`Engine::run_themes`] does; papers that came meanwhile join.
    ///
    /// # Errors
    /// As [`Engine::run_themes`].
    pub fn rebuild_themes(&self, afresh: bool) -> Result<ThemesKept> {
        self.themes.rebuild_themes(afresh)
    }

    /// Groups just some papers.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when a paper of the list or the user does not exist;
    /// [`Error::Invalid`](crate::Error::Invalid) when nothing is selected or too much.
    pub fn themes_of(&self, selection: &Selection) -> Result<SelectionThemes> {
        self.themes.themes_of(selection)
    }

    /// The themes of a level, or of all.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a level that does not exist, a number out of range, or both;
    /// [`Error::BeingMade`](crate::Error::BeingMade) before the first run.
    pub fn themes(&self, ask: &ThemesOptions) -> Result<ThemeList> {
        self.themes.themes(ask)
    }

    /// One theme with a page of its papers, or the papers of a search within it.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) when there is no such theme (any more);
    /// [`Error::Invalid`](crate::Error::Invalid) for a request that is not allowed;
    /// [`Error::BeingMade`](crate::Error::BeingMade) before the first run.
    pub fn theme(&self, id: &str, ask: &ThemeOptions) -> Result<OneTheme> {
        self.themes.theme(id, ask)
    }

    /// The theme of a level that each of some papers belongs to; none before the first run.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn themes_of_papers(&self, ids: &[&PaperId], level: usize) -> Result<Vec<Option<ThemeName>>> {
        self.themes.themes_of_papers(ids, level)
    }

    /// What happened to the themes, newest first.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for a limit out of range.
    pub fn theme_events(&self, limit: usize) -> Result<ThemeEvents> {
        self.themes.theme_events(limit)
    }

    /// Groups, names and lays out all papers. Themes that were there carry on under their ids and names where enough of
    /// their papers stay together; `afresh` forgets them. Searches and ingests go on meanwhile.
    ///
    /// # Errors
    /// When the store or the index fails; the themes that were there stay.
    pub fn run_themes(&self, afresh: bool) -> Result<ThemesRun> {
        self.themes.run_themes(afresh)
    }

    /// Gives every paper and where it is to `f`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn each_assignment(&self, f: &mut dyn FnMut(&Paper, &Assigned)) -> Result<()> {
        self.themes.each_assignment(f)
    }

    /// Takes the newest papers away, groups the rest from nothing, and groups all again as the next run would. Nothing
    /// of it is kept.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) when there are not more papers than that.
    pub fn theme_stability(&self, newest: usize) -> Result<Stability> {
        self.themes.theme_stability(newest)
    }

    /// The themes as the last run left them and papers joined them since; none before the first run.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn export_themes(&self) -> Result<Option<ExportedThemes>> {
        self.themes.export_themes()
    }

    /// Takes themes over from another folder. Papers that are not here are left out, as are places and events that name
    /// no theme or no number; papers of here that are not in them join by their neighbours. `false`, and nothing is
    /// changed, where this folder has themes of its own.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) when the themes are not what [`Engine::export_themes`] gives; when the
    /// store fails.
    pub fn import_themes(&self, themes: &ExportedThemes) -> Result<bool> {
        self.themes.import_themes(themes)
    }
}
