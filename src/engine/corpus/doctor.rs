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

/// Papers that are searched for in the index.
const SAMPLE: usize = 100;

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
        checks.push(room(&self.folder));
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
                let found = format!(
                    "{papers} papers; {files}; {} papers searched for: recall@10 {:.3}, {} not first for \
                     their own vector (many alike)",
                    checked.sample, checked.recall, checked.lost
                );
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
