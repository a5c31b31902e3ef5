//! Keeping the themes of the corpus up to date: new papers join them soon, and a run makes them anew when enough is new.

use std::time::Duration;

use super::{Job, Numbers, Trigger};
use crate::engine::{Engine, Happened, ThemesKept};
use crate::error::Result;

/// During an ingest papers join in handfuls.
const SETTLES: Duration = Duration::from_secs(2);

/// The job `themes`.
pub struct Themes;

/// The name of the job.
pub const THEMES: &str = "themes";

impl Job for Themes {
    fn name(&self) -> &str {
        THEMES
    }

    fn about(&self) -> &str {
        "lets new papers join the themes, and makes these anew when a tenth of the papers is new"
    }

    fn hears_of(&self, happened: Happened) -> bool {
        happened == Happened::Papers
    }

    fn settles(&self) -> Duration {
        SETTLES
    }

    fn has_work(&self, engine: &Engine, trigger: Trigger) -> Result<bool> {
        engine.themes_have_work(has_time(trigger))
    }

    fn run(&self, engine: &Engine, trigger: Trigger) -> Result<Numbers> {
        engine.keep_themes(has_time(trigger)).map(|kept| numbers(&kept))
    }
}

/// While papers are coming in they only join: a run that takes its time has one of its own, or is asked for.
fn has_time(trigger: Trigger) -> bool {
    matches!(trigger, Trigger::Schedule | Trigger::Hand)
}

/// What was done to the themes, in numbers.
pub fn numbers(kept: &ThemesKept) -> Numbers {
    let mut numbers = vec![("joined", kept.joined as u64), ("left", kept.left as u64)];
    if let Some(run) = &kept.run {
        numbers.extend([
            ("run", run.run),
            ("papers", run.papers as u64),
            ("themes", run.themes.iter().sum::<usize>() as u64),
            ("unassigned", run.unassigned as u64),
            ("events", run.events as u64),
        ]);
    }
    numbers
}
