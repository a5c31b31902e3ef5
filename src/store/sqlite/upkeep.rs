//! What others see of the health of the folder, and have done for it.

use std::collections::HashSet;
use std::sync::Arc;

use super::acknowledged::AckRecord;
use super::commit::{Fold, full_or};
use super::examine::{RESTORE, examine_rows, told_number, told_pages};
use super::open::beside;
use super::place::DiskSpace;
use super::{SqliteStore, no_room};
use crate::error::{Error, Result};
use crate::store::{Finding, PagesRead, TroubleCode, Troubles, Upkeep};

/// Pages read while the writer waits.
const SPAN: usize = 1024;

impl Upkeep for SqliteStore {
    fn location(&self) -> String {
        self.path.display().to_string()
    }

    fn bytes(&self) -> u64 {
        let files = ["", "-wal", "-shm"].iter().map(|end| beside(self.place.folder(), end));
        files.map(|file| std::fs::metadata(file).map_or(0, |m| m.len())).sum()
    }

    fn told(&self) -> &[String] {
        &self.told
    }

    fn troubles(&self) -> &Arc<Troubles> {
        &self.troubles
    }

    fn watch(&self) {
        match self.place.check() {
            Err(why) => drop(self.gone(&why)),
            Ok(()) => {
                self.troubles.end(TroubleCode::FolderGone);
                if self.troubles.has(TroubleCode::DiskFull) && self.place.room() == DiskSpace::Enough {
                    // A write that works says that they do again; one that does not changes nothing.
                    drop(self.write(|t| t.execute("UPDATE counter SET commits = commits", [])));
                }
                self.settle_soon();
                self.scrub();
            }
        }
    }

    fn has_room(&self) -> bool {
        let room = self.place.check().map_or(DiskSpace::Unknown, |()| self.place.room());
        if room == DiskSpace::Full {
            self.note_room::<()>(&Err(no_room()));
        }
        room == DiskSpace::Enough
    }

    fn tidy(&self) -> Result<()> {
        let mut writer = self.writer();
        if writer.is_worth_folding() { self.fold(&mut writer, Fold::Passive).map(drop) } else { Ok(()) }
    }

    /// Nothing is claimed of what still stands in the log, which has checksums of its own.
    fn settle_forgotten(&self) {
        self.settle_everything_owed();
    }

    fn check_pages(&self) -> Result<PagesRead> {
        let mut read = PagesRead::default();
        let mut from = 0;
        loop {
            let writer = self.writer();
            let Some(pages) = &writer.pages else { return Ok(read) };
            if from >= pages.len() {
                break;
            }
            let damaged = pages.differing(&self.path, from, SPAN, &HashSet::new());
            read.damaged.extend(damaged.map_err(|e| Error::io(&self.path, "cannot read", e))?);
            from = (from + SPAN).min(pages.len());
            read.pages = from;
        }
        for page in &read.damaged {
            self.damaged_too(format!("page {page} of the database"));
        }
        Ok(read)
    }

    fn examine(&self) -> Vec<Finding> {
        let pages = match self.check_pages() {
            Ok(read) => told_pages(&read),
            Err(e) => Finding::bad("pages", e.to_string(), RESTORE),
        };
        let rows = self.read(|c| Ok(examine_rows(c)));
        let mut found = vec![pages];
        found.extend(rows.unwrap_or_else(|e| vec![Finding::bad("database", e.to_string(), RESTORE)]));
        let writer = self.writer();
        found.push(match &writer.acknowledged {
            Some(file) => told_number(file.said()),
            None => Finding::bad(
                "acknowledged",
                "the number of the last commit cannot be kept beside the database",
                "check the permissions of the data folder, and open it again",
            ),
        });
        found
    }

    fn accept(&self) -> Result<Option<String>> {
        let mut writer = self.writer();
        let number = writer.commits;
        let Some(file) = &mut writer.acknowledged else { return Ok(None) };
        let accepted = file.said().missing.map(|(first, last)| format!("the changes {first} to {last} are missing"));
        let written = file.say(AckRecord { number, missing: None });
        written.map_err(|e| full_or(self.place.folder(), "cannot write", e))?;
        let known = self.troubles.has(TroubleCode::StoreOlder);
        self.troubles.end(TroubleCode::StoreOlder);
        Ok(accepted.or_else(|| known.then(|| "commits of a damaged log may be missing".to_string())))
    }
}
