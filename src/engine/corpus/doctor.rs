//! Everything looked at, with what to do.

use std::path::Path;

use serde::Serialize;

use crate::config::Config;
use crate::embed;
use crate::engine::corpus::Corpus;
use crate::engine::corpus::model::{precision_named, stored};
use crate::error::Result;
use crate::index::{Haste, IndexCheck};
use crate::store::{self, Finding, PagesRead, StoreCopy};
use crate::user::Moment;

/// Papers that are searched for in the index.
const SAMPLE: usize = 100;

/// Recall below which searches miss what people would see.
const RECALL: f64 = 0.9;

/// Days over which papers are counted that came.
const SPAN: i32 = 30;

/// Megabytes that should be free: the log of the store and a piece of the index.
const NEEDED: u64 = 64;

/// What a look at the indexes found, and at the pages of the database.
#[derive(Debug, Clone, Serialize)]
pub struct Checkup {
    /// The index of vectors.
    #[serde(flatten)]
    pub index: IndexCheck,
    /// The database.
    pub database: PagesRead,
}

/// What a look at everything found.
#[derive(Debug, Clone, Serialize)]
pub struct Diagnosis {
    /// Whether all is as it should be.
    pub ok: bool,
    /// What was looked at, and what was found.
    pub checks: Vec<Finding>,
}

impl Diagnosis {
    /// With what else was looked at, in front.
    #[must_use]
    pub fn behind(self, mut checks: Vec<Finding>) -> Self {
        checks.extend(self.checks);
        Self::of(checks)
    }

    fn of(checks: Vec<Finding>) -> Self {
        Diagnosis { ok: checks.iter().all(|c| c.ok), checks }
    }

    /// Of a folder that cannot be opened, and why. Nothing is changed.
    pub fn of_closed(folder: &Path, why: &str) -> Self {
        let mut checks = vec![Finding::bad("folder", why, "see what follows")];
        checks.extend(store::examine_closed(folder));
        checks.push(room(folder));
        Self::of(checks)
    }
}

impl Corpus {
    /// Searches the index for a sample of its rows, compares with the exact scan, and reads every file of it; reads every page
    /// of the database. One that is in memory alone is brought into order first, or its graph would not be there to look at.
    pub fn check_index(&self, sample: usize) -> Result<Checkup> {
        let (space, change) = (self.space(), self.store.change()?);
        if !space.index.lasts() {
            space.index.settle(change, Haste::Wait)?;
        }
        Ok(Checkup { index: space.index.check(sample)?, database: self.store.check_pages()? })
    }

    /// Looks at everything: the database and its pages, what was acknowledged, the indexes with their files, the model, the
    /// free disk, and what is known to be wrong. It takes seconds and reads all of the folder.
    pub fn diagnose(&self) -> Diagnosis {
        let mut checks = self.store.examine();
        checks.push(self.look_at_index());
        checks.push(self.look_at_words());
        checks.push(self.look_at_model());
        checks.push(self.look_at_disk());
        checks.extend(
            self.troubles().into_iter().map(|t| Finding::bad(t.code.name(), t.message, format!("since {}", t.since))),
        );
        Diagnosis::of(checks)
    }

    /// Takes a copy of the store as of now.
    pub fn copy_store(&self, progress: &dyn Fn(u64, u64)) -> Result<StoreCopy> {
        self.store.copy(progress)
    }

    /// Takes the store as it is: what is missing is told of no more. Gives what was accepted; none where nothing was missing.
    pub fn accept_store(&self) -> Result<Option<String>> {
        self.store.accept()
    }

    /// The same for the folder of a store that is damaged, which cannot be opened: gives how many papers are damaged.
    pub fn accept_closed(folder: &Path) -> Result<usize> {
        store::accept_closed(folder)
    }

    /// How much is free, and how long that lasts if papers go on coming as they did.
    fn look_at_disk(&self) -> Finding {
        let finding = room(&self.folder);
        let (Some(free), true) = (store::free(&self.folder), finding.ok) else { return finding };
        let (papers, bytes) = (self.store.count_papers().unwrap_or(0), self.store.bytes());
        let today = Moment::now().day();
        let lately = self.store.listed_in(today.saturating_sub(SPAN) + 1, today).map_or(0, |rows| rows.len());
        let mut found = finding.found;
        // The indexes take about as much again as half of the store.
        let each = if papers > 0 { bytes / papers as u64 * 3 / 2 } else { 0 };
        if let Some(days) = (free * SPAN as u64).checked_div(lately * each) {
            let lasts = if days > 3650 { "for more than ten years".into() } else { format!("for about {days} days") };
            found += &format!("; at {} papers in {SPAN} days that lasts {lasts}", lately);
            if days < SPAN as u64 {
                return Finding::warning("disk", found, "make room, or move the folder to a larger disk");
            }
        }
        if free < bytes + (NEEDED << 20) {
            let help =
                format!("make room: a backup needs {} MB beside the folder while it is made", (bytes >> 20) + NEEDED);
            return Finding::warning("disk", found, help);
        }
        Finding { found, ..finding }
    }

    fn look_at_index(&self) -> Finding {
        let space = self.space();
        let help = match space.index.lasts() {
            true => {
                "stop the service, remove the folder `index` in the data folder and open it again: it is built from the store"
            }
            false => "open the folder again: the index is built from the store",
        };
        let checked = match space.index.check(SAMPLE) {
            Ok(checked) => checked,
            Err(e) => return Finding::bad("index", e.to_string(), help),
        };
        let (have, papers) = (space.index.len(), self.store.count_papers());
        match papers {
            Err(e) => Finding::bad("index", e.to_string(), help),
            Ok(papers) if papers != have => {
                Finding::bad("index", format!("it holds {have} of {papers} papers"), "wait a moment and look again")
            }
            Ok(_) if !checked.damaged.is_empty() => Finding::bad("index", checked.damaged.join("; "), help),
            Ok(_) if checked.unreachable.is_some_and(|n| n > 0) => {
                let n = checked.unreachable.unwrap_or_default();
                Finding::bad("index", format!("{n} points of its graphs are unreachable"), help)
            }
            Ok(papers) => {
                let files = match checked.files {
                    0 => "no files".to_string(),
                    n => format!("{n} files as they were written"),
                };
                let setting = match self.config.tuning.recall {
                    Some(wanted) => format!("the setting recall = {wanted}"),
                    None => format!("ef_search = {}", self.config.tuning.ef_search),
                };
                let found = format!(
                    "{papers} papers; {files}; {} papers searched for: recall@10 {:.3} with {setting}, {} not first for \
                     their own vector (many alike)",
                    checked.sample, checked.recall, checked.lost
                );
                if f64::from(checked.recall) < RECALL {
                    return Finding::warning("index", found, "raise `ef_search` under [tuning], or set `recall` there");
                }
                Finding::good("index", found)
            }
        }
    }

    fn look_at_words(&self) -> Finding {
        const HELP: &str = "stop the service, remove the folder `words` in the data folder and open it again: it is built from the \
            store";
        let (files, damaged) = self.lexical().check_files();
        let lacking = self.store.rows_of_all().map(|rows| (rows - self.lexical().rows()).len());
        match lacking {
            _ if !damaged.is_empty() => Finding::bad("words", damaged.join("; "), HELP),
            Err(e) => Finding::bad("words", e.to_string(), HELP),
            Ok(0) => {
                Finding::good("words", format!("{} papers; {files} files as they were written", self.lexical().len()))
            }
            Ok(n) => Finding::bad("words", format!("it lacks {n} papers"), "it catches up by itself; look again"),
        }
    }

    fn look_at_model(&self) -> Finding {
        let model = self.space().model.clone();
        let own = precision_named(&model.precision);
        let options = self.config.embed_options(&model.source, own, Some(model.dimension));
        const HELP: &str = "put its files back, or move the papers to another with `paperkin reembed --model`";
        match embed::identify(&options).map(stored) {
            Ok(found) if found.fingerprint == model.fingerprint => {
                Finding::good("model", format!("{} is the one that the vectors were made with", model.name))
            }
            Ok(_) => Finding::bad("model", format!("{}: its files have changed", model.source), HELP),
            Err(e) => Finding::bad("model", e.to_string(), HELP),
        }
    }
}

impl Config {
    /// Whether a look at everything would find a folder at all.
    pub fn has_folder(&self) -> bool {
        store::is_made(&self.data)
    }
}

fn room(folder: &Path) -> Finding {
    match store::free(folder) {
        None => Finding::good("disk", "this system does not say how much is free"),
        Some(free) if free < NEEDED << 20 => {
            Finding::bad("disk", format!("{} MB are free", free >> 20), format!("make room: {NEEDED} MB should be"))
        }
        Some(free) => Finding::good("disk", format!("{} MB are free", free >> 20)),
    }
}
