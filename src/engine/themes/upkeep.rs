//! Keeping themes up to date: what the job `themes` of the service does, or a command that may wait. Nobody's question does.

use super::latest::IN_A_MOMENT;
use super::{Themes, ThemesRun};
use crate::error::Result;

/// What was done to keep the themes up to date.
#[derive(Debug, Clone, Default)]
pub struct ThemesKept {
    /// Papers that joined the snapshot there was.
    pub joined: usize,
    /// Papers that left it.
    pub left: usize,
    /// The run that was due.
    pub run: Option<ThemesRun>,
}

impl Themes {
    /// Whether [`Themes::keep_themes`] would do something.
    pub fn themes_have_work(&self, patient: bool) -> Result<bool> {
        // Looked at first: what nobody looked at yet counts as behind.
        self.last()?;
        Ok(!self.is_up_to_date() || (self.may_run(patient)? && self.themes_due()?))
    }

    /// Whether a run that is due would be made: a first one, one that takes a moment, or any where there is time.
    fn may_run(&self, patient: bool) -> Result<bool> {
        Ok(patient || self.corpus.space().len() <= IN_A_MOMENT || self.last()?.is_none())
    }

    /// Lets new papers join the themes, and makes these anew if that is due and either they are few, or `patient` says that
    /// it may take its time.
    pub fn keep_themes(&self, patient: bool) -> Result<ThemesKept> {
        let (joined, left) = self.join_new()?;
        match if self.may_run(patient)? { self.run_themes_if_due()? } else { None } {
            None => Ok(ThemesKept { joined, left, run: None }),
            Some(run) => {
                let after = self.with_latest(run)?;
                Ok(ThemesKept { joined: joined + after.joined, left: left + after.left, ..after })
            }
        }
    }

    /// Makes the themes anew, due or not; `afresh` forgets those that were there.
    pub fn rebuild_themes(&self, afresh: bool) -> Result<ThemesKept> {
        self.with_latest(self.run_themes(afresh)?)
    }

    /// Lets those join that came while a run was made.
    fn with_latest(&self, run: ThemesRun) -> Result<ThemesKept> {
        let (joined, left) = self.join_new()?;
        Ok(ThemesKept { joined, left, run: Some(run) })
    }
}
