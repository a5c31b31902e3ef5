//! The secret of the folder, and how far the acts of readers were released.

use rusqlite::params;

use super::SqliteStore;
use crate::error::Result;
use crate::store::{Readership, ReadershipRelease};

impl Readership for SqliteStore {
    fn secret(&self) -> Result<[u8; 32]> {
        self.read(|c| c.prepare_cached("SELECT secret FROM counter")?.query_row([], |r| r.get(0)))
    }

    #[cfg(test)]
    fn set_secret(&self, secret: &[u8; 32]) -> Result<()> {
        self.write(|t| t.execute("UPDATE counter SET secret = ?1", [secret]).map(drop))
    }

    fn release(&self) -> Result<ReadershipRelease> {
        self.read(|c| {
            c.prepare_cached("SELECT told, batches FROM counter")?
                .query_row([], |r| Ok(ReadershipRelease { before: r.get(0)?, batches: r.get(1)? }))
        })
    }

    fn put_release(&self, release: ReadershipRelease) -> Result<()> {
        let ReadershipRelease { before, batches } = release;
        self.write(|t| t.execute("UPDATE counter SET told = ?1, batches = ?2", params![before, batches]).map(drop))
    }
}
