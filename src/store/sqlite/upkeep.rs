//! What others see of the health of the folder.

use std::sync::Arc;

use super::SqliteStore;
use super::open::beside;
use crate::error::Result;
use crate::store::{Finding, PagesRead, Troubles, Upkeep};

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
        self.look_after();
    }

    fn has_room(&self) -> bool {
        self.try_room()
    }

    fn tidy(&self) -> Result<()> {
        self.fold_log()
    }

    fn check_pages(&self) -> Result<PagesRead> {
        self.check_every_page()
    }

    fn examine(&self) -> Vec<Finding> {
        self.examine_all()
    }

    fn accept(&self) -> Result<Option<String>> {
        self.accept_as_it_is()
    }
}
